// What the files of the sample hold: text that reads as text, records that show a rhythm in the hex view,
// noise like photographs, zeroes that are really written, and files with holes. All from fixed seeds.

import { Prng } from '../engine/base/prng'
import type { Ext2Content } from './sample-image-ext2'
import { EXT2_BLOCK } from './sample-image-ext2'

const WORDS =
  'block sector cluster extent hole zero data disk image write read flush map stage commit discard base overlay page cell range offset byte table copy serve export client server session'.split(
    ' ',
  )

/** Sentences of disk words, about `size` bytes. */
export function proseText(seed: number, size: number): Uint8Array {
  const prng = new Prng(seed)
  let text = ''
  while (text.length < size) {
    const words = Array.from({ length: 6 + prng.below(9) }, () => prng.pick(WORDS))
    const sentence = words.join(' ')
    text += `${sentence[0]?.toUpperCase()}${sentence.slice(1)}.${prng.bool(0.2) ? '\n\n' : ' '}`
  }
  return new TextEncoder().encode(text.slice(0, size))
}

/** Lines as a machine writes them. */
export function logText(seed: number, size: number): Uint8Array {
  const prng = new Prng(seed)
  const lines: string[] = []
  let length = 0
  for (let second = 0; length < size; second += prng.below(40)) {
    const time = new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString()
    const line = `${time} sample[${100 + prng.below(900)}]: ${prng.pick(WORDS)} ${prng.pick(WORDS)} ${prng.u32()}\n`
    lines.push(line)
    length += line.length
  }
  return new TextEncoder().encode(lines.join('').slice(0, size))
}

/** Records of 64 bytes: a mark, a number, a price, a name. */
export function recordBytes(seed: number, size: number): Uint8Array {
  const prng = new Prng(seed)
  const bytes = new Uint8Array(size)
  const view = new DataView(bytes.buffer)
  for (let at = 0; at + 64 <= size; at += 64) {
    bytes.set([0x52, 0x45, 0x43, 0x01], at)
    view.setUint32(at + 4, at / 64, true)
    view.setUint32(at + 8, prng.below(100_000), true)
    bytes.set(new TextEncoder().encode(`${prng.pick(WORDS)} ${prng.pick(WORDS)}`), at + 16)
  }
  return bytes
}

export function noiseBytes(seed: number, size: number): Uint8Array {
  const prng = new Prng(seed)
  const words = new Uint32Array(Math.ceil(size / 4))
  for (let i = 0; i < words.length; i++) words[i] = prng.u32()
  // The same bytes on a machine of either byte order.
  const view = new DataView(words.buffer)
  for (let i = 0; i < words.length; i++) view.setUint32(4 * i, words[i] as number, true)
  return new Uint8Array(words.buffer, 0, size)
}

/** The bytes as a file without holes. */
export const contentOf = (bytes: Uint8Array): Ext2Content => ({
  size: bytes.length,
  block: (index) => bytes.subarray(index * EXT2_BLOCK, (index + 1) * EXT2_BLOCK),
})

/** Zeroes that take space. */
export const writtenZeroes = (size: number): Ext2Content => ({
  size,
  block: () => new Uint8Array(EXT2_BLOCK),
})

/** A file of `size` bytes that is a hole but for one block of noise in every `every`. */
export const sparseContent = (seed: number, size: number, every: number): Ext2Content => ({
  size,
  block: (index) => (index % every === 0 ? noiseBytes(seed + index, EXT2_BLOCK) : undefined),
})
