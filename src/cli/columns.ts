import { printable } from './printable'

/** Label and value lines, labels in one column; an empty row is an empty line. */
export function labelled(rows: readonly (readonly [string, string] | readonly [])[]): string {
  const width = Math.max(...rows.map(([label]) => label?.length ?? 0))
  return rows
    .map(([label, value]) =>
      label === undefined ? '' : `${`${label}:`.padEnd(width + 2)}${printable(value ?? '')}`,
    )
    .map((line) => `${line}\n`)
    .join('')
}

/** Rows under headings, each column as wide as its widest cell; `right` lists right-aligned columns. */
export function table(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly number[] = [],
): string {
  const all = [headings, ...rows].map((row) => row.map(printable))
  const widths = headings.map((_, i) => Math.max(...all.map((row) => row[i]?.length ?? 0)))
  return all
    .map((row) =>
      row
        .map((cell, i) =>
          right.includes(i) ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('')
}
