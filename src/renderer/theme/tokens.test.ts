import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { THEME_NAMES } from './palette'
import { contrast } from './palette-vision'

const sheet = readFileSync(new URL('tokens.css', import.meta.url), 'utf8')
/** What WCAG asks of text of this size. */
const ENOUGH = 4.5

function tokensOf(theme: string): Record<string, string> {
  const rule = new RegExp(`\\[data-theme='${theme}'\\][^{]*\\{([^}]*)\\}`).exec(sheet)?.[1] ?? ''
  return Object.fromEntries(
    [...rule.matchAll(/--([a-z-]+):\s*(#[0-9a-f]+);/g)].map((m) => [m[1], m[2]]),
  )
}

/** `#rrggbbaa` laid over an opaque colour. */
function over(top: string, ground: string): string {
  const channel = (text: string, i: number) => Number.parseInt(text.slice(1 + 2 * i, 3 + 2 * i), 16)
  const alpha = channel(top, 3) / 255
  const mixed = [0, 1, 2].map((i) => channel(top, i) * alpha + channel(ground, i) * (1 - alpha))
  return `#${mixed.map((c) => Math.round(c).toString(16).padStart(2, '0')).join('')}`
}

describe.each(THEME_NAMES)('the %s theme', (theme) => {
  const token = tokensOf(theme)
  const named = (name: string) => token[name] ?? expect.fail(`no token ${name}`)
  const solid = ['ground', 'surface', 'surface-raised', 'surface-popup'].map(
    (name) => [name, named(name)] as const,
  )
  const rows = ['hover', 'selected', 'tint-danger', 'tint-warning', 'tint-good'].map(
    (name) => [`${name} on surface`, over(named(name), named('surface'))] as const,
  )

  test.each(['text', 'text-dim', 'text-faint', 'accent', 'danger', 'warning', 'good'])(
    '%s can be read on everything that it stands on',
    (name) => {
      const low = [...solid, ...rows].filter(([, ground]) => contrast(named(name), ground) < ENOUGH)
      expect(low).toEqual([])
    },
  )

  test('the words on filled buttons can be read', () => {
    for (const fill of ['accent-fill', 'accent-fill-hover', 'danger-fill', 'danger-fill-hover']) {
      expect(contrast(named('on-accent'), named(fill)), fill).toBeGreaterThanOrEqual(ENOUGH)
    }
  })

  test('has every colour that the other theme has', () => {
    expect(Object.keys(token)).toEqual(Object.keys(tokensOf(theme === 'dark' ? 'light' : 'dark')))
  })
})
