import { describe, expect, test } from 'vitest'
import type { Triple } from './palette-colour'
import { fromOklab, parseColour, toOklab } from './palette-colour'
import { contrast, labDifference, simulate, toLab } from './palette-vision'

// From the test data that Sharma, Wu and Dalal published with their notes on implementing CIEDE2000:
// each pair is there for a branch that implementations get wrong.
const PAIRS: readonly (readonly [Triple, Triple, number])[] = [
  [[50, 2.6772, -79.7751], [50, 0, -82.7485], 2.0425],
  [[50, 3.1571, -77.2803], [50, 0, -82.7485], 2.8615],
  [[50, 2.8361, -74.02], [50, 0, -82.7485], 3.4412],
  [[50, -1.3802, -84.2814], [50, 0, -82.7485], 1],
  [[50, -0.9009, -85.5211], [50, 0, -82.7485], 1],
  [[50, 0, 0], [50, -1, 2], 2.3669],
  [[50, 2.49, -0.001], [50, -2.49, 0.0009], 7.1792],
  [[50, 2.49, -0.001], [50, -2.49, 0.0011], 7.2195],
  [[50, 2.5, 0], [50, 0, -2.5], 4.3065],
  [[50, 2.5, 0], [73, 25, -18], 27.1492],
  [[50, 2.5, 0], [61, -5, 29], 22.8977],
  [[50, 2.5, 0], [56, -27, -3], 31.903],
  [[50, 2.5, 0], [58, 24, 15], 19.4535],
  [[60.2574, -34.0099, 36.2677], [60.4626, -34.1751, 39.4387], 1.2644],
  [[2.0776, 0.0795, -1.135], [0.9033, -0.0636, -0.5514], 0.9082],
]

describe('CIEDE2000', () => {
  test.each(PAIRS)('%j and %j', (a, b, expected) => {
    expect(labDifference(a, b)).toBeCloseTo(expected, 4)
    expect(labDifference(b, a)).toBeCloseTo(expected, 4)
  })
})

test('CIELAB of the primaries', () => {
  const round = (lab: Triple) => lab.map((n) => Math.round(n * 10) / 10)
  expect(round(toLab(parseColour('#ff0000')))).toEqual([53.2, 80.1, 67.2])
  expect(round(toLab(parseColour('#0000ff')))).toEqual([32.3, 79.2, -107.9])
})

test('a grey stays itself for every kind of eyes', () => {
  for (const vision of ['protan', 'deutan', 'tritan'] as const) {
    for (const channel of simulate(parseColour('#808080'), vision)) {
      expect(channel).toBeCloseTo(128 / 255, 3)
    }
  }
})

test('red and green come close for deutan eyes and stay apart for tritan eyes', () => {
  const seen = (text: string, vision: 'deutan' | 'tritan') =>
    toLab(simulate(parseColour(text), vision))
  const gap = (vision: 'deutan' | 'tritan') =>
    labDifference(seen('#c00000', vision), seen('#4c7300', vision))
  expect(gap('deutan')).toBeLessThan(15)
  expect(gap('tritan')).toBeGreaterThan(40)
})

test('contrast runs from 1 to 21', () => {
  expect(contrast('#000000', '#ffffff')).toBeCloseTo(21, 5)
  expect(contrast('#777777', '#777777')).toBe(1)
  expect(contrast('#777777', '#ffffff')).toBeCloseTo(4.48, 2)
})

test('OKLab there and back', () => {
  for (const text of ['#32aaef', '#000000', '#ffffff', '#421657']) {
    const colour = parseColour(text)
    fromOklab(toOklab(colour)).forEach((c, i) => {
      expect(c).toBeCloseTo(colour[i] ?? -1, 5)
    })
  }
})
