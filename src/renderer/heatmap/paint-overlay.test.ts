import { expect, test } from 'vitest'
import { PALETTES } from '../theme/palette'
import { layoutMap } from './layout'
import type { OverlayContext, OverlayScene } from './paint-overlay'
import { paintOverlay } from './paint-overlay'
import { asCell, asPhysical } from './spaces'

const KiB = 1024
const palette = PALETTES.dark
const box = { width: asPhysical(160), height: asPhysical(100), dpr: 1, density: 'normal' as const }
const layout = layoutMap(1024 * KiB, { cellBytes: KiB, top: 0 }, box)

const scene: OverlayScene = {
  layout,
  palette,
  width: 160,
  height: 100,
  marginPx: 4,
  cursor: asCell(0),
  selection: undefined,
  hover: undefined,
  isFocused: true,
}

/** Writes down what is drawn, with the style at that moment. */
function record() {
  const calls: string[] = []
  const context: Record<string, unknown> = { globalAlpha: 1 }
  for (const name of ['setTransform', 'clearRect', 'fillRect', 'beginPath', 'moveTo', 'lineTo']) {
    context[name] = (...args: number[]) => calls.push(`${name} ${args.join(' ')}`)
  }
  context['closePath'] = () => undefined
  context['fill'] = () => calls.push(`fill ${context['fillStyle']} ${context['globalAlpha']}`)
  context['stroke'] = () => calls.push(`stroke ${context['strokeStyle']} ${context['globalAlpha']}`)
  context['strokeRect'] = (...args: number[]) =>
    calls.push(`frame ${context['strokeStyle']} ${args.join(' ')}`)
  return { context: context as unknown as OverlayContext, calls }
}

test('the cursor is a frame in two tones around its cell, within the margin', () => {
  const { context, calls } = record()
  paintOverlay(context, scene, [], 0, false)
  expect(calls[1]).toBe('clearRect 0 0 168 108')
  const frames = calls.filter((call) => call.startsWith('frame'))
  expect(frames).toEqual([
    `frame ${palette.halo} -2.5 -2.5 14 14`,
    `frame ${palette.ink} -1 -1 11 11`,
  ])
})

test('each verb has its own shape', () => {
  const shapes = (['write', 'read', 'zero', 'trim'] as const).map((verb) => {
    const { context, calls } = record()
    paintOverlay(context, scene, [{ verb, offset: 5 * KiB, length: KiB, since: 0 }], 0, false)
    return calls.slice(3, -2).join('; ')
  })
  expect(new Set(shapes).size).toBe(4)
  expect(shapes[0]).toContain(`fill ${palette.dirty} 1`)
  expect(shapes[1]).toContain(`stroke ${palette.ink} 1`)
  expect(shapes[2]).toContain(`frame ${palette.dirty} 51 1 7 7`)
  expect(shapes[3]).toContain('moveTo')
})

test('what lies outside the view is not drawn', () => {
  const { context, calls } = record()
  const flash = { verb: 'write' as const, offset: 900 * KiB, length: KiB, since: 0 }
  const selection = { offset: 500 * KiB, length: 10 * KiB }
  paintOverlay(context, { ...scene, selection }, [flash], 0, false)
  expect(calls.filter((call) => call.startsWith('fill') || call.startsWith('stroke'))).toEqual([])
})

test('a trim of the whole disk draws a bounded number of glyphs', () => {
  const { context, calls } = record()
  const large = layoutMap(2 ** 30, { cellBytes: KiB, top: 0 }, { ...box, height: asPhysical(9000) })
  const flash = { verb: 'trim' as const, offset: 0, length: 2 ** 30, since: 0 }
  paintOverlay(context, { ...scene, layout: large, height: 9000 }, [flash], 0, false)
  expect(calls.filter((call) => call.startsWith('stroke')).length).toBeLessThanOrEqual(601)
})
