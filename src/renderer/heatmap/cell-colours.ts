// From exact byte counts to the colour of a cell. Never by majority: any data at all tints the cell, and
// how much of it there is shows as lightness. Mixtures are looked up: a table over (share of data,
// share of zero in the rest) is made once for each theme, in OKLab.
//
// The hue moves to that of data faster than the lightness does, so that half data over a hole is a deep
// blue and not the grey-blue of a zero cell.

import type { CellColumns } from '../../bridge/frames'
import type { CellClass } from '../../bridge/model'
import type { Palette } from '../theme/palette'
import { colourOfClass } from '../theme/palette'
import type { Triple } from '../theme/palette-colour'
import { fromOklab, mixTriples, parseColour, toOklab, toPixel } from '../theme/palette-colour'

const DATA_STEPS = 64
const ZERO_STEPS = 32
/** The least share of the ramp that a trace of a class gets. */
const DATA_FLOOR = 0.12
const ZERO_FLOOR = 0.25
const SOLO_FLOOR = 0.25
/** How much of a dimmed cell's own colour is left when another class is singled out. */
const DIM = 0.16

export interface CellColours {
  readonly ground: number
  readonly written: number
  readonly zeroed: number
  readonly unknown: number
  readonly zeroDot: number
  /** Pixel of a mixture by the shares of data and of zero: [dataStep * (ZERO_STEPS + 1) + zeroStep]. */
  readonly mix: Uint32Array
}

export function makeCellColours(palette: Palette, solo: CellClass | undefined): CellColours {
  const lab = (text: string) => toOklab(parseColour(text))
  const ground = lab(palette.ground)
  const mix = new Uint32Array((DATA_STEPS + 1) * (ZERO_STEPS + 1))
  for (let d = 0; d <= DATA_STEPS; d++) {
    for (let z = 0; z <= ZERO_STEPS; z++) {
      const data = d / DATA_STEPS
      // A trace of each counts as a step, so that the steps may add up to a little more than all.
      const share = { data, zero: d === DATA_STEPS ? 0 : Math.min(1, z / ZERO_STEPS / (1 - data)) }
      const plain = mixtureOf(palette, share.data, share.zero)
      mix[d * (ZERO_STEPS + 1) + z] = toPixel(
        fromOklab(solo === undefined ? plain : soloed(palette, solo, share, plain)),
      )
    }
  }
  const quiet = (text: string, isWhole: boolean) =>
    toPixel(fromOklab(isWhole ? lab(text) : mixTriples(ground, lab(text), DIM)))
  const isKept = (name: CellClass) => solo === undefined || solo === name
  return {
    ground: toPixel(parseColour(palette.ground)),
    written: quiet(palette.staged, isKept('written')),
    zeroed: quiet(palette.staged, isKept('zeroed')),
    unknown: quiet(palette.unknown, isKept('unknown')),
    zeroDot: quiet(palette.ground, isKept('zero')),
    mix,
  }
}

/** OKLab of a cell with `data` of it data, and `zero` of the rest zero rather than hole. */
function mixtureOf(palette: Palette, data: number, zero: number): Triple {
  const lab = (text: string) => toOklab(parseColour(text))
  const zeroPart = zero === 0 ? 0 : ZERO_FLOOR + (1 - ZERO_FLOOR) * zero
  const rest = mixTriples(lab(palette.hole), lab(palette.zero), zeroPart)
  if (data === 0) return rest
  const full = lab(palette.data)
  const t = DATA_FLOOR + (1 - DATA_FLOOR) * data
  const hue = t ** 0.45
  return [
    rest[0] + (full[0] - rest[0]) * t,
    rest[1] + (full[1] - rest[1]) * hue,
    rest[2] + (full[2] - rest[2]) * hue,
  ]
}

function soloed(
  palette: Palette,
  solo: CellClass,
  { data, zero }: { data: number; zero: number },
  plain: Triple,
): Triple {
  const ground = toOklab(parseColour(palette.ground))
  const dimmed = mixTriples(ground, plain, DIM)
  const parts: Partial<Record<CellClass, number>> = {
    data,
    zero: (1 - data) * zero,
    hole: (1 - data) * (1 - zero),
  }
  const part = parts[solo] ?? 0
  if (part === 0) return dimmed
  const own = toOklab(parseColour(solo === 'hole' ? palette.unknown : colourOfClass(palette, solo)))
  return mixTriples(dimmed, own, SOLO_FLOOR + (1 - SOLO_FLOOR) * part)
}

/** Bits of a cell's marks beside its fill. */
export const MARK_STAGED = 1
export const MARK_ZERO = 2
export const MARK_UNKNOWN = 4

/** What painting needs of each cell; `share` is of written and of zeroed bytes, in 1/255. */
export interface CellLook {
  readonly fill: Uint32Array
  readonly marks: Uint8Array
  readonly written: Uint8Array
  readonly zeroed: Uint8Array
}

export const makeCellLook = (count: number): CellLook => ({
  fill: new Uint32Array(count),
  marks: new Uint8Array(count),
  written: new Uint8Array(count),
  zeroed: new Uint8Array(count),
})

/**
 * Share of `bytes` in `steps`; what is not nothing is never 0, and what is not all is never `steps`
 * (all of a class has its own way). `part` is the share of one byte.
 */
function stepOf(bytes: number, part: number, steps: number): number {
  if (bytes === 0) return 0
  const step = (bytes * part * steps + 0.5) | 0
  return step < 1 ? 1 : step >= steps ? steps - 1 : step
}

/** 0…255; more than nothing is never 0, and only all is 255. */
function shareOf(bytes: number, whole: number): number {
  return bytes >= whole ? 255 : stepOf(bytes, 1 / whole, 255)
}

const ALL_DATA = DATA_STEPS * (ZERO_STEPS + 1)
const ALL_ZERO = ZERO_STEPS

/** Looks of the cells `from`…`from + count` of a frame. */
export function lookOfCells(
  columns: CellColumns,
  from: number,
  count: number,
  colours: CellColours,
  into: CellLook,
): void {
  const { data, zero, hole, unknown, written, zeroed } = columns
  const { mix, ground } = colours
  const { fill, marks } = into
  into.written.fill(0)
  into.zeroed.fill(0)
  for (let i = 0; i < count; i++) {
    const at = from + i
    const d = data[at] as number
    const z = zero[at] as number
    const u = unknown[at] as number
    const known = d + z + (hole[at] as number)
    let step = 0
    if (d === known) step = ALL_DATA
    else if (z === known) step = ALL_ZERO
    else if (d + z > 0) {
      const part = 1 / known
      step = stepOf(d, part, DATA_STEPS) * (ZERO_STEPS + 1) + stepOf(z, part, ZERO_STEPS)
    }
    fill[i] = known > 0 ? (mix[step] as number) : ground
    let bits = z > 0 && d === 0 ? MARK_ZERO : 0
    if (u > 0) bits |= MARK_UNKNOWN
    const w = written[at] as number
    const x = zeroed[at] as number
    if (w + x > 0) {
      bits |= MARK_STAGED
      into.written[i] = shareOf(w, known + u)
      into.zeroed[i] = shareOf(x, known + u)
    }
    marks[i] = bits
  }
}

/** `t` of `b` over `a`, channel by channel; opaque. */
export function mixPixels(a: number, b: number, t: number): number {
  const channel = (shift: number) => {
    const from = (a >>> shift) & 255
    return Math.round(from + (((b >>> shift) & 255) - from) * t) << shift
  }
  return (0xff000000 | channel(16) | channel(8) | channel(0)) >>> 0
}
