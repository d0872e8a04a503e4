// What a person may type to name a place on a disk. Pure: text and where one stands in, a place or a
// sentence that says what is wrong out. Spaces and underscores are ignored, case does not matter.
//
//   place   = start { ("+" | "-") amount }        0x1F400   p2+64K   end-512   -0x200   +1M
//   start   = "end" | "p" N | N "%" | amount | the cursor, when the text begins with a sign
//   amount  = 0xHEX | N[.N][K|M|G|T|P]["iB"|"B"] | "s" N | N "s" (sectors) | "c" N (staging blocks)
//   range   = place "," amount | place ".." place (the second place is not part of it)

import type { PartitionInfo } from '../../bridge/model'
import { PlatterError } from '../../engine/base/errors'
import { formatExact, formatHex, parseSize } from '../../engine/base/size-text'

export const SECTOR_BYTES = 512

export interface GotoContext {
  readonly cursor: number
  readonly size: number
  readonly blockSize: number
  readonly partitions: readonly PartitionInfo[]
}

export type GotoResult =
  | { readonly kind: 'place'; readonly offset: number; readonly length?: number }
  | { readonly kind: 'wrong'; readonly why: string }

class Wrong extends Error {}

export function parseGoto(text: string, context: GotoContext): GotoResult {
  const plain = text.replace(/[\s_]/g, '').toLowerCase()
  try {
    if (plain === '') throw new Wrong('Type an offset, for example 0x1F400, 64M, s2048 or p2+4K')
    return { kind: 'place', ...parseRange(plain, context) }
  } catch (error) {
    if (error instanceof Wrong) return { kind: 'wrong', why: error.message }
    throw error
  }
}

function parseRange(text: string, context: GotoContext): { offset: number; length?: number } {
  const comma = text.indexOf(',')
  const dots = text.indexOf('..')
  if (comma < 0 && dots < 0) return { offset: inside(parsePlace(text, context), context) }
  const offset = inside(parsePlace(text.slice(0, comma < 0 ? dots : comma), context), context)
  const rest = text.slice(comma < 0 ? dots + 2 : comma + 1)
  const length = comma < 0 ? parsePlace(rest, context) - offset : parseAmount(rest, context)
  if (length <= 0) throw new Wrong('The range is empty: its end is not after its start')
  if (offset + length > context.size) {
    throw new Wrong(`The range ends at ${formatHex(offset + length)}, past ${endText(context)}`)
  }
  return { offset, length }
}

function parsePlace(text: string, context: GotoContext): number {
  const terms = text.match(/[+-]?[^+-]+/g) ?? []
  if (terms.join('') !== text || terms.length === 0) {
    throw new Wrong(text === '' ? 'An offset is missing' : `'${text}' ends in a sign`)
  }
  return terms.reduce((at, term, index) => {
    const sign = term.startsWith('-') ? -1 : 1
    const signed = /^[+-]/.test(term)
    if (index === 0 && !signed) return parseStart(term, context)
    return at + sign * parseAmount(term.slice(1), context)
  }, context.cursor)
}

function parseStart(text: string, context: GotoContext): number {
  if (text === 'end') return context.size
  const partition = /^p(\d+)$/.exec(text)
  if (partition) {
    const found = context.partitions.find((each) => each.number === Number(partition[1]))
    if (found) return found.offset
    const known = context.partitions.map((each) => each.number).join(', ')
    throw new Wrong(
      `There is no partition ${partition[1]}${known === '' ? '' : `; there are ${known}`}`,
    )
  }
  const percent = /^(\d+(?:\.\d+)?)%$/.exec(text)
  if (percent) {
    const share = Number(percent[1])
    if (share > 100) throw new Wrong(`${share} % is more than the disk`)
    return Math.min(context.size - 1, Math.floor((context.size * share) / 100))
  }
  return parseAmount(text, context)
}

function parseAmount(text: string, context: GotoContext): number {
  const sectors = /^(?:s(\d+)|(\d+)s)$/.exec(text)
  if (sectors) return Number(sectors[1] ?? sectors[2]) * SECTOR_BYTES
  const blocks = /^c(\d+)$/.exec(text)
  if (blocks) return Number(blocks[1]) * context.blockSize
  if (text === '') throw new Wrong('A length is missing')
  try {
    return parseSize(text, 'offset')
  } catch (error) {
    if (!(error instanceof PlatterError)) throw error
    throw new Wrong(
      /^[0-9a-f]+$/.test(text) && /[a-f]/.test(text)
        ? `'${text}' is not an offset; hexadecimal starts with 0x`
        : `'${text}' is not an offset (0x1F400, 128000, 64M, s2048, c17, 50%, p2+4K, end-512)`,
    )
  }
}

const endText = ({ size }: GotoContext) =>
  `the end of the disk, ${formatHex(size)} (${formatExact(size)})`

function inside(offset: number, context: GotoContext): number {
  if (offset < 0) throw new Wrong(`That is ${formatExact(-offset)} before the start of the disk`)
  if (offset >= context.size) {
    throw new Wrong(`${formatHex(offset)} is not before ${endText(context)}`)
  }
  return offset
}
