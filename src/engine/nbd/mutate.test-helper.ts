// Bytes that were right once, changed at a few places.

import fc from 'fast-check'

export interface Mutation {
  readonly kind: 'set' | 'add' | 'flip' | 'insert' | 'remove' | 'repeat' | 'cut'
  /** Where, as a part of the whole. */
  readonly at: number
  readonly value: number
  readonly count: number
}

export const mutation: fc.Arbitrary<Mutation> = fc.record({
  kind: fc.constantFrom('set', 'add', 'flip', 'insert', 'remove', 'repeat', 'cut'),
  // Of all doubles from 0 to 1, nearly all are next to 0: ten-thousandths lie where the bytes lie.
  at: fc.noBias(fc.integer({ min: 0, max: 9999 })).map((part) => part / 10_000),
  value: fc.constantFrom(0, 1, 2, 4, 7, 8, 16, 0x7f, 0x80, 0xfe, 0xff),
  count: fc.integer({ min: 1, max: 40 }),
})

export function mutate(original: Uint8Array, mutations: readonly Mutation[]): Uint8Array {
  let bytes = [...original]
  for (const { kind, at, value, count } of mutations) {
    const index = Math.floor(at * bytes.length)
    if (kind === 'set') bytes[index] = value
    else if (kind === 'add') bytes[index] = ((bytes[index] ?? 0) + value) & 0xff
    else if (kind === 'flip') bytes[index] = (bytes[index] ?? 0) ^ (1 << (value & 7))
    else if (kind === 'insert') bytes.splice(index, 0, ...Array<number>(count).fill(value))
    else if (kind === 'remove') bytes.splice(index, count)
    else if (kind === 'repeat') bytes.splice(index, 0, ...bytes.slice(index, index + count))
    else bytes = bytes.slice(0, Math.max(1, index))
  }
  return Uint8Array.from(bytes)
}
