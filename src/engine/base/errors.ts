// What the world does wrong: files, servers, peers, people. Each failure has a stable code that other
// programs may match, and a message that says what, why and the numbers. Our own bugs are assertions
// (assert.ts) and never carry a code. docs/errors.md lists every code; a test compares the two.

export const ERROR_CODES = [
  // calls on a disk
  'OUT_OF_RANGE',
  'MISALIGNED',
  'READ_ONLY',
  'NOT_SUPPORTED',
  'CLOSED',
  'ABORTED',
  'TIMEOUT',
  'LIMIT',
  // files
  'NOT_FOUND',
  'NO_PERMISSION',
  'NOT_A_DISK',
  'BAD_SIZE',
  'SIZE_CHANGED',
  'NO_SPACE',
  'IN_USE',
  'ALREADY_EXISTS',
  'IO_ERROR',
  'FORMAT_UNSUPPORTED',
  // lasting overlays
  'NOT_AN_OVERLAY',
  'OVERLAY_VERSION',
  'OVERLAY_SIZE',
  'OVERLAY_CHECKSUM',
  'OVERLAY_CLUSTER',
  'OVERLAY_BITS',
  'OVERLAY_NAME_MISSING',
  'OVERLAY_NAME_UNTERMINATED',
  'OVERLAY_FORMAT',
  'OVERLAY_FILE_MISSING',
  'OVERLAY_LOOP',
  'OVERLAY_DEPTH',
  'BASE_CHANGED',
  'COMMIT_INTERRUPTED',
  // NBD
  'BAD_URI',
  'NO_SERVER',
  'DISCONNECTED',
  'PROTOCOL',
  'EXPORT_UNKNOWN',
  'REFUSED',
  'ADDRESS_IN_USE',
  // the application
  'BAD_REQUEST',
  'NO_SESSION',
  'NO_JOB',
  'BUSY',
  'STAGED_CHANGES',
  'VERIFY_FAILED',
  'TARGET_CHANGED',
  'SOURCE_CHANGED',
] as const

export type ErrorCode = (typeof ERROR_CODES)[number]

/** Numbers and names that belong to a failure, for programs; the message has them for people. */
export type ErrorData = Readonly<Record<string, string | number | boolean>>

export interface PlatterErrorOptions {
  readonly cause?: unknown
  readonly data?: ErrorData
}

export class PlatterError extends Error {
  override readonly name = 'PlatterError'
  readonly code: ErrorCode
  readonly data: ErrorData

  constructor(code: ErrorCode, message: string, options: PlatterErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.data = options.data ?? {}
  }
}

/** A failure as plain data, for a channel between processes. A bug of ours has no code. */
export interface PlainError {
  readonly code?: ErrorCode
  readonly message: string
  readonly data?: ErrorData
  readonly cause?: PlainError
}

const MAX_CAUSES = 8

export function toPlainError(error: unknown, depth = 0): PlainError {
  if (!(error instanceof Error)) return { message: String(error) }
  const cause =
    error.cause !== undefined && depth < MAX_CAUSES
      ? { cause: toPlainError(error.cause, depth + 1) }
      : {}
  if (error instanceof PlatterError) {
    return { code: error.code, message: error.message, data: error.data, ...cause }
  }
  return { message: error.message, ...cause }
}

export function fromPlainError(plain: PlainError): Error {
  const options = plain.cause === undefined ? {} : { cause: fromPlainError(plain.cause) }
  if (plain.code === undefined) return new Error(plain.message, options)
  return new PlatterError(plain.code, plain.message, { ...options, data: plain.data ?? {} })
}

export function hasCode(error: unknown, code: ErrorCode): boolean {
  return error instanceof PlatterError && error.code === code
}

/** Rejects work that somebody no longer wants: code ABORTED, naming what was stopped. */
export function throwIfAborted(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted) throw abortedError(signal, what)
}

export function abortedError(signal: AbortSignal, what: string): PlatterError {
  if (signal.reason instanceof PlatterError) return signal.reason
  return new PlatterError('ABORTED', `${what}: cancelled`, { cause: signal.reason })
}
