// The colours of the classes, one set for each theme: the map, the legend, the hex view and the charts
// take them from here, style sheets from palette.css, which a test holds equal. Whoever changes one
// runs the test beside this file: any two classes stay apart for every common kind of colour vision.

import type { CellClass } from '../../bridge/model'

export const THEME_NAMES = ['dark', 'light'] as const
export type ThemeName = (typeof THEME_NAMES)[number]

/** The six that can stand side by side on the map. */
export const PALETTE_CLASSES = ['data', 'zero', 'hole', 'dirty', 'staged', 'error'] as const
export type PaletteClass = (typeof PALETTE_CLASSES)[number]

export interface Palette extends Readonly<Record<PaletteClass, string>> {
  /** What the map is painted on. */
  readonly ground: string
  /** Not surveyed yet: a hatch of this over the ground, never a fill. */
  readonly unknown: string
  /** Cursor frame and selection outline. */
  readonly ink: string
  /** The halo that keeps `ink` readable over any cell. */
  readonly halo: string
}

export const PALETTES: Readonly<Record<ThemeName, Palette>> = {
  dark: {
    ground: '#14171c',
    data: '#32aaef',
    zero: '#496477',
    hole: '#222425',
    dirty: '#eda006',
    staged: '#f0f2cb',
    error: '#b23b30',
    unknown: '#3b424c',
    ink: '#ffffff',
    halo: '#0a0c0f',
  },
  light: {
    ground: '#ffffff',
    data: '#3065bf',
    zero: '#91abc6',
    hole: '#f1f4f6',
    dirty: '#d87a38',
    staged: '#421657',
    error: '#a61c00',
    unknown: '#c3cad3',
    ink: '#0d1117',
    halo: '#ffffff',
  },
}

/** Colour of a class of the bridge's model: what is staged has one colour, its states differ by shape. */
export function colourOfClass(palette: Palette, name: CellClass): string {
  return name === 'written' || name === 'zeroed' ? palette.staged : palette[name]
}
