import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { PALETTE_CLASSES, PALETTES, THEME_NAMES } from './palette'
import { colourDifference, contrast, VISIONS } from './palette-vision'

const sheet = readFileSync(new URL('palette.css', import.meta.url), 'utf8')

/** Contrast with the ground that each class was chosen for; holes recede on purpose. */
const CONTRASTS = {
  dark: { data: 7, zero: 2.9, hole: 1.15, dirty: 8.2, staged: 15.6, error: 3.1 },
  light: { data: 5.6, zero: 2.4, hole: 1.1, dirty: 3.1, staged: 14.2, error: 7.5 },
}
const SMALLEST = { dark: 22.2, light: 20.3 }

describe.each(THEME_NAMES)('the %s palette', (theme) => {
  const palette = PALETTES[theme]

  test('keeps any two classes apart for every kind of colour vision', () => {
    let smallest = Number.POSITIVE_INFINITY
    for (const vision of VISIONS) {
      PALETTE_CLASSES.forEach((a, i) => {
        for (const b of PALETTE_CLASSES.slice(i + 1)) {
          smallest = Math.min(smallest, colourDifference(palette[a], palette[b], vision))
        }
      })
    }
    expect(smallest).toBeGreaterThanOrEqual(20)
    expect(smallest).toBeCloseTo(SMALLEST[theme], 1)
  })

  test.each(PALETTE_CLASSES)('gives %s the contrast it was chosen for', (name) => {
    const wanted = CONTRASTS[theme][name]
    expect(Math.abs(contrast(palette[name], palette.ground) - wanted)).toBeLessThan(0.06)
  })

  test('stands in the style sheet, name by name', () => {
    const rule = new RegExp(`\\[data-theme=['"]${theme}['"]\\][^{]*\\{([^}]*)\\}`).exec(sheet)?.[1]
    const found = Object.fromEntries(
      [...(rule ?? '').matchAll(/--map-([a-z]+):\s*(#[0-9a-f]{6})/g)].map((m) => [m[1], m[2]]),
    )
    expect(found).toEqual(palette)
  })
})
