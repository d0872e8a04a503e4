import { commandName, errorName, type RequestRow } from '../../../bridge/request-rows'

export interface RequestFilter {
  /** Absent: of every client. */
  readonly client?: number | undefined
  readonly command?: number | undefined
  readonly failuresOnly: boolean
}

export const ALL_REQUESTS: RequestFilter = { failuresOnly: false }

export const isFiltering = (filter: RequestFilter): boolean =>
  filter.failuresOnly || filter.client !== undefined || filter.command !== undefined

export const filterRequests = (
  rows: readonly RequestRow[],
  { client, command, failuresOnly }: RequestFilter,
): readonly RequestRow[] =>
  rows.filter(
    (row) =>
      (client === undefined || row.client === client) &&
      (command === undefined || row.command === command) &&
      (!failuresOnly || row.errno !== 0),
  )

/** The different values of a column, in order. */
export const valuesOf = (rows: readonly RequestRow[], column: 'client' | 'command'): number[] =>
  [...new Set(rows.map((row) => row[column]))].sort((a, b) => a - b)

/** FLUSH is about no place; a refused request may be about one that is not there. */
export const placeOf = (row: RequestRow, size: number) =>
  commandName(row.command) === 'FLUSH' || row.offset >= size
    ? undefined
    : { offset: row.offset, length: Math.min(row.length, size - row.offset) }

export const resultText = ({ errno }: RequestRow): string => (errno === 0 ? 'ok' : errorName(errno))

/** `0.042`: milliseconds, to the microsecond below a second. */
export const durationText = (ms: number): string => (ms < 1000 ? ms.toFixed(3) : ms.toFixed(0))
