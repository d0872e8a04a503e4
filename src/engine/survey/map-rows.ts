// The map of a disk as text and as JSON, byte for byte as `nbdinfo --map` prints it: scripts that read the
// one can read the other.

import type { Extent, ExtentFlags } from '../disk/extents'
import { describeFlags, EXTENT_HOLE, EXTENT_ZERO } from '../disk/extents'

/** nbdinfo has words for these; another status is a number alone. */
const NAMED = EXTENT_HOLE | EXTENT_ZERO

/** `extents` as they stand on the disk, neighbours of one status merged. */
export function formatMapText(extents: readonly Extent[], name = nameOfAllocation): string {
  return joined(extents, '', ({ offset, length, flags }) => {
    const words = name(flags) === undefined ? '' : `  ${name(flags)}`
    return `${right(offset, 10)}  ${right(length, 10)}  ${right(flags, 3)}${words}\n`
  })
}

export function formatMapJson(extents: readonly Extent[], name = nameOfAllocation): string {
  const rows = joined(extents, ',\n', ({ offset, length, flags }) => {
    const words = name(flags) === undefined ? '' : `, "description": "${name(flags)}"`
    return `{ "offset": ${offset}, "length": ${length}, "type": ${flags}${words}}`
  })
  return `[\n${rows}\n]\n`
}

export function formatTotalsText(extents: readonly Extent[], name = nameOfAllocation): string {
  return joined(totalsOf(extents), '', ({ size, percent, flags }) => {
    const words = name(flags) === undefined ? '' : ` ${name(flags)}`
    return `${right(size, 10)} ${oneDecimal(percent).padStart(5)}% ${right(flags, 3)}${words}\n`
  })
}

export function formatTotalsJson(extents: readonly Extent[], name = nameOfAllocation): string {
  const totals = totalsOf(extents)
  if (totals.length === 0) return '[]\n'
  const rows = joined(totals, ',\n', ({ size, percent, flags }) => {
    const words = name(flags) === undefined ? '' : `, "description": "${name(flags)}"`
    return `{ "size": ${size}, "percent": ${sixDigits(percent)}, "type": ${flags}${words} }`
  })
  return `[\n${rows}\n]\n`
}

type StatusName = (flags: ExtentFlags) => string | undefined

const nameOfAllocation: StatusName = (flags) => (flags <= NAMED ? describeFlags(flags) : undefined)

/** The words for a status of a context, as far as there are any. */
export function statusNames(context: string): StatusName {
  if (context === 'base:allocation') return nameOfAllocation
  if (context.startsWith('qemu:dirty-bitmap:')) return (flags) => ['clean', 'dirty'][flags]
  if (context !== 'qemu:allocation-depth') return () => undefined
  return (depth) => ['absent', 'local'][depth] ?? `backing depth ${depth}`
}

const right = (value: number, width: number) => String(value).padStart(width)

const joined = <T>(items: readonly T[], separator: string, format: (item: T) => string): string =>
  items.map(format).join(separator)

interface Total {
  readonly flags: ExtentFlags
  readonly size: number
  readonly percent: number
}

/** Bytes for each status that occurs, by its number. */
function totalsOf(extents: readonly Extent[]): Total[] {
  const sizes = new Map<ExtentFlags, number>()
  let whole = 0
  for (const { length, flags } of extents) {
    sizes.set(flags, (sizes.get(flags) ?? 0) + length)
    whole += length
  }
  return [...sizes]
    .sort(([a], [b]) => a - b)
    .map(([flags, size]) => ({ flags, size, percent: (100 * size) / whole }))
}

/** C's `%.1f`. A tie goes to the even digit, and only a quarter can be one: three quarters go up anyway. */
function oneDecimal(value: number): string {
  return value % 1 === 0.25 ? `${Math.floor(value)}.2` : value.toFixed(1)
}

/** C's `%g`: six significant digits, without zeroes at the end, small numbers with an exponent. */
function sixDigits(value: number): string {
  if (value === 0) return '0'
  const [digits = '', exponentText] = evenExponential(value).split('e')
  const exponent = Number(exponentText)
  if (exponent < -4) {
    return `${withoutZeroes(digits)}e-${String(-exponent).padStart(2, '0')}`
  }
  return withoutZeroes(Number(`${digits}e${exponent}`).toFixed(5 - exponent))
}

/** Six digits in exponent form; a tie goes to the even digit, where toExponential goes up. */
function evenExponential(value: number): string {
  const exact = value.toExponential(60)
  const tie = /^(\d\.\d{4}[02468])50*e/.exec(exact)
  return tie === null ? value.toExponential(5) : `${tie[1]}${exact.slice(exact.indexOf('e'))}`
}

const withoutZeroes = (digits: string) =>
  digits.includes('.') ? digits.replace(/\.?0+$/, '') : digits
