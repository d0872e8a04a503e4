// Sizes and offsets as people write and read them. Suffixes are powers of 1024, as in qemu and nbdkit.

import { PlatterError } from './errors'

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const
const SUFFIXES = 'KMGTP'

/** `512`, `0x200`, `64K`, `1.5G`, `64KiB`; result in bytes. `what` names the value in the refusal. */
export function parseSize(text: string, what: string): number {
  const refuse = (why: string): never => {
    throw new PlatterError('BAD_REQUEST', `${what}: '${text}' ${why}`)
  }
  if (/^0x[0-9a-f]+$/i.test(text)) {
    const value = Number(text)
    return Number.isSafeInteger(value) ? value : refuse('is above the largest supported 2^53-1')
  }
  const match = /^(\d+(?:\.\d+)?)\s*(?:([KMGTP])(?:iB|B)?|B)?$/i.exec(text.trim())
  if (match === null) return refuse('is not a size (examples: 512, 64K, 1.5G, 0x1000)')
  const power = match[2] === undefined ? 0 : SUFFIXES.indexOf(match[2].toUpperCase()) + 1
  const value = Number(match[1]) * 1024 ** power
  if (!Number.isInteger(value)) return refuse('is not a whole number of bytes')
  return Number.isSafeInteger(value) ? value : refuse('is above the largest supported 2^53-1')
}

/** `1.5 GiB`, `64 KiB`, `512 B`: at most `digits` decimals, never rounded up to the next unit. */
export function formatSize(bytes: number, digits = 1): string {
  let power = 0
  while (power < UNITS.length - 1 && bytes >= 1024 ** (power + 1)) power++
  const scale = 10 ** digits
  const value = Math.floor((bytes / 1024 ** power) * scale) / scale
  return `${value} ${UNITS[power]}`
}

/** `12,345,678 bytes`: the exact number, grouped. */
export const formatExact = (bytes: number): string =>
  `${groupDigits(bytes)} ${bytes === 1 ? 'byte' : 'bytes'}`

export const groupDigits = (n: number): string => String(n).replace(/\B(?=(\d{3})+(?!\d))/g, ',')

/** `0x1F400000`, padded to `digits` hexadecimal digits. */
export const formatHex = (value: number, digits = 0): string =>
  `0x${value.toString(16).toUpperCase().padStart(digits, '0')}`

/** Percent with one decimal; a part that is neither nothing nor all never reads `0.0` or `100.0`. */
export function formatPercent(part: number, whole: number): string {
  if (whole === 0 || part === 0) return '0.0 %'
  if (part === whole) return '100.0 %'
  const percent = (part / whole) * 100
  if (percent < 0.1) return '< 0.1 %'
  if (percent > 99.9) return '> 99.9 %'
  return `${percent.toFixed(1)} %`
}
