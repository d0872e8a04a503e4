// Colours as numbers: sRGB text, linear light, and OKLab, in which mixtures look even.

import { assert } from '../../engine/base/assert'

/** Three channels; 0…1 each for RGB. */
export type Triple = readonly [number, number, number]

export function parseColour(text: string): Triple {
  const match = /^#([0-9a-f]{6})$/i.exec(text)
  assert(match?.[1] !== undefined, `colour ${text}`)
  const value = Number.parseInt(match[1], 16)
  return [(value >> 16) / 255, ((value >> 8) & 255) / 255, (value & 255) / 255]
}

const toLinearChannel = (c: number) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)

const toDisplayChannel = (c: number) =>
  c <= 0.0031308 ? 12.92 * c : 1.055 * Math.max(c, 0) ** (1 / 2.4) - 0.055

export const toLinear = ([r, g, b]: Triple): Triple => [
  toLinearChannel(r),
  toLinearChannel(g),
  toLinearChannel(b),
]

export const toDisplay = ([r, g, b]: Triple): Triple => [
  toDisplayChannel(r),
  toDisplayChannel(g),
  toDisplayChannel(b),
]

/** Rows of a 3×3 matrix. */
export type Matrix = readonly [Triple, Triple, Triple]

export const multiply = (m: Matrix, v: Triple): Triple => [dot(m[0], v), dot(m[1], v), dot(m[2], v)]

const dot = (a: Triple, b: Triple) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2]

const LMS_OF_RGB: Matrix = [
  [0.4122214708, 0.5363325363, 0.0514459929],
  [0.2119034982, 0.6806995451, 0.1073969566],
  [0.0883024619, 0.2817188376, 0.6299787005],
]
const LAB_OF_LMS: Matrix = [
  [0.2104542553, 0.793617785, -0.0040720468],
  [1.9779984951, -2.428592205, 0.4505937099],
  [0.0259040371, 0.7827717662, -0.808675766],
]
const LMS_OF_LAB: Matrix = [
  [1, 0.3963377774, 0.2158037573],
  [1, -0.1055613458, -0.0638541728],
  [1, -0.0894841775, -1.291485548],
]
const RGB_OF_LMS: Matrix = [
  [4.0767416621, -3.3077115913, 0.2309699292],
  [-1.2684380046, 2.6097574011, -0.3413193965],
  [-0.0041960863, -0.7034186147, 1.707614701],
]

const mapTriple = (t: Triple, f: (n: number) => number): Triple => [f(t[0]), f(t[1]), f(t[2])]

/** OKLab of a display colour. */
export const toOklab = (colour: Triple): Triple =>
  multiply(LAB_OF_LMS, mapTriple(multiply(LMS_OF_RGB, toLinear(colour)), Math.cbrt))

export const fromOklab = (lab: Triple): Triple =>
  toDisplay(
    multiply(
      RGB_OF_LMS,
      mapTriple(multiply(LMS_OF_LAB, lab), (n) => n ** 3),
    ),
  )

export const mixTriples = (a: Triple, b: Triple, t: number): Triple => [
  a[0] + (b[0] - a[0]) * t,
  a[1] + (b[1] - a[1]) * t,
  a[2] + (b[2] - a[2]) * t,
]

/** One pixel of an ImageData as its Uint32Array sees it (little-endian hosts: R in the lowest byte). */
export function toPixel([r, g, b]: Triple): number {
  const byte = (c: number) => Math.round(Math.min(1, Math.max(0, c)) * 255)
  return (0xff000000 | (byte(b) << 16) | (byte(g) << 8) | byte(r)) >>> 0
}

export const pixelOf = (text: string): number => toPixel(parseColour(text))
