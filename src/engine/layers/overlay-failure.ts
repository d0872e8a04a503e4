import { PlatterError } from '../base/errors'
import type { ByteRange } from '../base/ranges'

/** A change of an overlay that failed, with where it was to be made and what that means. */
export function describeFailure(operation: string, { offset, length }: ByteRange, error: unknown) {
  if (!(error instanceof PlatterError)) return error
  if (error.code === 'NOT_SUPPORTED' || error.code === 'ABORTED') return error
  return new PlatterError(
    error.code,
    `${operation}: offset ${offset} and length ${length}: ${error.message}; no block was newly staged`,
    { cause: error, data: { ...error.data, offset, length } },
  )
}
