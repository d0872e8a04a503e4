// How far apart two colours are for different eyes: what the palette's test measures.
// Simulation: Machado, Oliveira and Fernandes 2009, full severity, in linear RGB. Difference: CIEDE2000
// (CIE 142-2001), with all weights 1. Contrast: WCAG 2.

import type { Matrix, Triple } from './palette-colour'
import { multiply, parseColour, toDisplay, toLinear } from './palette-colour'

export const VISIONS = ['normal', 'protan', 'deutan', 'tritan'] as const
export type Vision = (typeof VISIONS)[number]

const SIMULATION: Readonly<Record<Exclude<Vision, 'normal'>, Matrix>> = {
  protan: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deutan: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritan: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
}

/** A display colour as such eyes see it. */
export function simulate(colour: Triple, vision: Vision): Triple {
  if (vision === 'normal') return colour
  const [r, g, b] = multiply(SIMULATION[vision], toLinear(colour))
  const clip = (c: number) => Math.min(1, Math.max(0, c))
  return toDisplay([clip(r), clip(g), clip(b)])
}

const XYZ_OF_RGB: Matrix = [
  [0.4124564, 0.3575761, 0.1804375],
  [0.2126729, 0.7151522, 0.072175],
  [0.0193339, 0.119192, 0.9503041],
]
const WHITE_D65: Triple = [0.95047, 1, 1.08883]

/** CIELAB of a display colour, white D65. */
export function toLab(colour: Triple): Triple {
  const [x, y, z] = multiply(XYZ_OF_RGB, toLinear(colour))
  const f = (t: number) => (t > 216 / 24389 ? Math.cbrt(t) : ((24389 / 27) * t + 16) / 116)
  const [fx, fy, fz] = [f(x / WHITE_D65[0]), f(y / WHITE_D65[1]), f(z / WHITE_D65[2])]
  return [116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)]
}

const rad = (degrees: number) => (degrees * Math.PI) / 180
const cosDeg = (degrees: number) => Math.cos(rad(degrees))
const pow7 = (c: number) => Math.sqrt(c ** 7 / (c ** 7 + 25 ** 7))

function hueDegrees(a: number, b: number): number {
  if (a === 0 && b === 0) return 0
  const degrees = (Math.atan2(b, a) * 180) / Math.PI
  return degrees < 0 ? degrees + 360 : degrees
}

/** CIEDE2000 of two CIELAB colours. */
export function labDifference([l1, a1, b1]: Triple, [l2, a2, b2]: Triple): number {
  const stretch = 1 + 0.5 * (1 - pow7((Math.hypot(a1, b1) + Math.hypot(a2, b2)) / 2))
  const [c1, c2] = [Math.hypot(a1 * stretch, b1), Math.hypot(a2 * stretch, b2)]
  const [h1, h2] = [hueDegrees(a1 * stretch, b1), hueDegrees(a2 * stretch, b2)]
  const grey = c1 * c2 === 0

  let turn = h2 - h1
  if (turn > 180) turn -= 360
  else if (turn < -180) turn += 360
  const deltaL = l2 - l1
  const deltaC = c2 - c1
  const deltaH = grey ? 0 : 2 * Math.sqrt(c1 * c2) * Math.sin(rad(turn / 2))

  const l = (l1 + l2) / 2
  const c = (c1 + c2) / 2
  const h = grey ? h1 + h2 : meanHue(h1, h2)
  const t =
    1 -
    0.17 * cosDeg(h - 30) +
    0.24 * cosDeg(2 * h) +
    0.32 * cosDeg(3 * h + 6) -
    0.2 * cosDeg(4 * h - 63)
  const sl = 1 + (0.015 * (l - 50) ** 2) / Math.sqrt(20 + (l - 50) ** 2)
  const sc = 1 + 0.045 * c
  const sh = 1 + 0.015 * c * t
  const rotation = -Math.sin(rad(60 * Math.exp(-(((h - 275) / 25) ** 2)))) * 2 * pow7(c)
  const [partL, partC, partH] = [deltaL / sl, deltaC / sc, deltaH / sh]
  return Math.sqrt(partL ** 2 + partC ** 2 + partH ** 2 + rotation * partC * partH)
}

function meanHue(h1: number, h2: number): number {
  if (Math.abs(h1 - h2) <= 180) return (h1 + h2) / 2
  return h1 + h2 < 360 ? (h1 + h2 + 360) / 2 : (h1 + h2 - 360) / 2
}

/** CIEDE2000 of two colours written `#rrggbb`, as such eyes see them. */
export const colourDifference = (a: string, b: string, vision: Vision): number =>
  labDifference(toLab(simulate(parseColour(a), vision)), toLab(simulate(parseColour(b), vision)))

/** WCAG contrast of two colours written `#rrggbb`: 1…21. */
export function contrast(a: string, b: string): number {
  const luminance = (text: string) => {
    const [r, g, bl] = toLinear(parseColour(text))
    return 0.2126 * r + 0.7152 * g + 0.0722 * bl
  }
  const [la, lb] = [luminance(a), luminance(b)]
  return (Math.max(la, lb) + 0.05) / (Math.min(la, lb) + 0.05)
}
