// The byte ranges in which two windows differ, exact to the byte, as pairs in one flat array: offset and
// length of the first, of the second, … A disk of noise has a range for every few hundred bytes.

export type FlatRanges = number[]

const viewOf = (bytes: Uint8Array): Int32Array =>
  new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 2)

/**
 * Adds the ranges in which `a` and `b` differ to `found`; `offset` is where both begin. Both lie at
 * multiples of 4 in their buffers and have one length.
 */
export function findDifferences(
  a: Uint8Array,
  b: Uint8Array,
  offset: number,
  found: FlatRanges,
): void {
  const { length } = a
  const [left, right] = [viewOf(a), viewOf(b)]
  for (let at = 0; at < length; ) {
    at = firstDifference(a, b, left, right, at)
    if (at === length) return
    let end = at + 1
    while (end < length && a[end] !== b[end]) end++
    found.push(offset + at, end - at)
    at = end + 1
  }
}

function firstDifference(
  a: Uint8Array,
  b: Uint8Array,
  left: Int32Array,
  right: Int32Array,
  from: number,
): number {
  const { length } = a
  let at = from
  for (; at < length && (at & 3) !== 0; at++) if (a[at] !== b[at]) return at
  let word = at >>> 2
  for (; word + 4 <= left.length; word += 4) {
    const low = (left[word]! ^ right[word]!) | (left[word + 1]! ^ right[word + 1]!)
    const high = (left[word + 2]! ^ right[word + 2]!) | (left[word + 3]! ^ right[word + 3]!)
    if ((low | high) !== 0) break
  }
  at = Math.max(at, word << 2)
  while (at < length && a[at] === b[at]) at++
  return at
}
