// Bytes as text and back: digits, printable characters, what the clipboard holds.

import { PlatterError } from '../../engine/base/errors'

const DIGITS = Array.from({ length: 256 }, (_, byte) =>
  byte.toString(16).toUpperCase().padStart(2, '0'),
)

export const hexOf = (byte: number): string => DIGITS[byte] as string

export const NOT_PRINTABLE = '·'

export const textOf = (byte: number): string =>
  byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : NOT_PRINTABLE

/** `0F 00 A1 …` */
export const hexDigits = (bytes: Uint8Array): string => Array.from(bytes, hexOf).join(' ')

export const plainText = (bytes: Uint8Array): string => Array.from(bytes, textOf).join('')

/** Value of one hexadecimal digit that was typed. */
export function nibbleOf(key: string): number | undefined {
  return /^[0-9a-fA-F]$/.test(key) ? Number.parseInt(key, 16) : undefined
}

/** The byte of a character typed into the text pane; characters outside ASCII have none. */
export function charByte(key: string): number | undefined {
  if (key.length !== 1) return undefined
  const code = key.charCodeAt(0)
  return code >= 0x20 && code < 0x7f ? code : undefined
}

/** Hexadecimal text as people copy it: spaces, line ends, commas, `0x` and `\x` before a byte. */
export function parseHexText(text: string): Uint8Array {
  const digits = text.replace(/0x|\\x/gi, ' ').replace(/[\s,;:_-]+/g, ' ')
  const wrong = /[^0-9a-f ]/i.exec(digits)?.[0]
  if (wrong !== undefined) {
    throw new PlatterError('BAD_REQUEST', `paste: '${wrong}' is not a hexadecimal digit`)
  }
  const parts = digits.split(' ').filter((part) => part !== '')
  const isOdd = parts.some((part) => part.length % 2 === 1)
  if (isOdd || parts.length === 0) {
    const why = isOdd ? 'has half a byte' : 'has no digits'
    throw new PlatterError('BAD_REQUEST', `paste: the text ${why}; bytes are two digits each`)
  }
  const all = parts.join('')
  return Uint8Array.from({ length: all.length / 2 }, (_, i) =>
    Number.parseInt(all.slice(i * 2, i * 2 + 2), 16),
  )
}

/** Runs of equal style, so that a row needs few elements. */
export interface StyleRun {
  readonly from: number
  readonly to: number
  readonly style: number
}

export function runsOf(styles: Uint8Array): StyleRun[] {
  const runs: StyleRun[] = []
  for (let from = 0; from < styles.length; ) {
    let to = from + 1
    while (to < styles.length && styles[to] === styles[from]) to++
    runs.push({ from, to, style: styles[from] as number })
    from = to
  }
  return runs
}
