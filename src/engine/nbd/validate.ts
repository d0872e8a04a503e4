// One request against one export, from top to bottom, before anything is done about it. Each refusal
// has the error that the specification names, and a text with the numbers.

import * as nbd from './constants'
import type { RequestHeader } from './request-parser'
import type { HeaderStyle, ServedExport } from './served-export'
import type { WireError } from './wire-errors'

export interface RequestRules {
  readonly export: ServedExport
  readonly headers: HeaderStyle
  /** Contexts that the client selected. */
  readonly contexts: number
}

/** Flags that a command may carry beside FUA, which all may. */
const FLAGS = new Map<number, number>([
  [nbd.NBD_CMD_READ, nbd.NBD_CMD_FLAG_DF],
  [nbd.NBD_CMD_WRITE, 0],
  [nbd.NBD_CMD_FLUSH, 0],
  [nbd.NBD_CMD_TRIM, 0],
  [nbd.NBD_CMD_CACHE, 0],
  [nbd.NBD_CMD_WRITE_ZEROES, nbd.NBD_CMD_FLAG_NO_HOLE | nbd.NBD_CMD_FLAG_FAST_ZERO],
  [nbd.NBD_CMD_BLOCK_STATUS, nbd.NBD_CMD_FLAG_REQ_ONE],
])

/** The transmission flag without which a command must not be sent. */
const NEEDS = new Map<number, number>([
  [nbd.NBD_CMD_FLUSH, nbd.NBD_FLAG_SEND_FLUSH],
  [nbd.NBD_CMD_TRIM, nbd.NBD_FLAG_SEND_TRIM],
  [nbd.NBD_CMD_WRITE_ZEROES, nbd.NBD_FLAG_SEND_WRITE_ZEROES],
])

const CHANGES: readonly number[] = [nbd.NBD_CMD_WRITE, nbd.NBD_CMD_TRIM, nbd.NBD_CMD_WRITE_ZEROES]

type Check = (request: RequestHeader, rules: RequestRules) => WireError | undefined

const CHECKS: readonly Check[] = [
  checkCommand,
  checkFlags,
  checkRange,
  checkAlignment,
  checkPayload,
]

export function validateRequest(
  request: RequestHeader,
  rules: RequestRules,
): WireError | undefined {
  for (const check of CHECKS) {
    const refusal = check(request, rules)
    if (refusal !== undefined) return refusal
  }
  return undefined
}

const has = (rules: RequestRules, flag: number): boolean => (rules.export.flags & flag) !== 0

function refuse(errno: number, request: RequestHeader, why: string): WireError {
  return { errno, message: `${nbd.nameOfCommand(request.command)}: ${why}` }
}

function checkCommand(request: RequestHeader, rules: RequestRules): WireError | undefined {
  const { command } = request
  if (!FLAGS.has(command)) return refuse(nbd.NBD_EINVAL, request, 'unknown command')
  if (CHANGES.includes(command) && has(rules, nbd.NBD_FLAG_READ_ONLY)) {
    return refuse(nbd.NBD_EPERM, request, 'the export is read-only')
  }
  const needed = NEEDS.get(command)
  if (needed !== undefined && !has(rules, needed)) {
    return refuse(nbd.NBD_EINVAL, request, 'the export does not offer it')
  }
  if (command === nbd.NBD_CMD_BLOCK_STATUS && rules.contexts === 0) {
    return refuse(nbd.NBD_EINVAL, request, 'no context was selected')
  }
  return undefined
}

function checkFlags(request: RequestHeader, rules: RequestRules): WireError | undefined {
  let allowed = FLAGS.get(request.command) ?? 0
  if (has(rules, nbd.NBD_FLAG_SEND_FUA)) allowed |= nbd.NBD_CMD_FLAG_FUA
  if (!has(rules, nbd.NBD_FLAG_SEND_DF)) allowed &= ~nbd.NBD_CMD_FLAG_DF
  if (!has(rules, nbd.NBD_FLAG_SEND_FAST_ZERO)) allowed &= ~nbd.NBD_CMD_FLAG_FAST_ZERO
  if (mayHavePayload(request, rules)) allowed |= nbd.NBD_CMD_FLAG_PAYLOAD_LEN
  const extra = request.flags & ~allowed
  if (extra !== 0) {
    return refuse(nbd.NBD_EINVAL, request, `flags 0x${extra.toString(16)} are not allowed`)
  }
  const isBareWrite = request.command === nbd.NBD_CMD_WRITE && !hasPayloadFlag(request)
  if (!isBareWrite || rules.headers !== 'extended') return undefined
  return refuse(nbd.NBD_EINVAL, request, 'without NBD_CMD_FLAG_PAYLOAD_LEN it has no data')
}

const hasPayloadFlag = (request: RequestHeader): boolean =>
  (request.flags & nbd.NBD_CMD_FLAG_PAYLOAD_LEN) !== 0

function mayHavePayload({ command }: RequestHeader, rules: RequestRules): boolean {
  if (rules.headers !== 'extended') return false
  if (command === nbd.NBD_CMD_WRITE) return true
  return command === nbd.NBD_CMD_BLOCK_STATUS && has(rules, nbd.NBD_FLAG_BLOCK_STATUS_PAYLOAD)
}

function checkRange(request: RequestHeader, rules: RequestRules): WireError | undefined {
  const { command, offset, length } = request
  const { size } = rules.export
  // Its range stands in the payload; see parseStatusPayload.
  if (command === nbd.NBD_CMD_BLOCK_STATUS && hasPayloadFlag(request)) return undefined
  if (command === nbd.NBD_CMD_FLUSH) {
    if (offset === 0 && length === 0) return undefined
    return refuse(nbd.NBD_EINVAL, request, `offset ${offset} and length ${length} have to be 0`)
  }
  if (length === 0 && !CHANGES.includes(command)) {
    return refuse(nbd.NBD_EINVAL, request, `0 bytes at ${offset}`)
  }
  if (offset <= size && length <= size - offset) return undefined
  const grows = command === nbd.NBD_CMD_WRITE || command === nbd.NBD_CMD_WRITE_ZEROES
  const why = `${length} bytes at ${offset} are outside the export of ${size} bytes`
  return refuse(grows ? nbd.NBD_ENOSPC : nbd.NBD_EINVAL, request, why)
}

function checkAlignment(request: RequestHeader, rules: RequestRules): WireError | undefined {
  const { minimum } = rules.export.blockSize
  if (request.command === nbd.NBD_CMD_BLOCK_STATUS && hasPayloadFlag(request)) return undefined
  if (request.offset % minimum === 0 && request.length % minimum === 0) return undefined
  const why = `${request.length} bytes at ${request.offset} are not whole blocks of ${minimum}`
  return refuse(nbd.NBD_EINVAL, request, why)
}

function checkPayload(request: RequestHeader, rules: RequestRules): WireError | undefined {
  const { command, length } = request
  const { maximum } = rules.export.blockSize
  if (command === nbd.NBD_CMD_BLOCK_STATUS && hasPayloadFlag(request)) {
    const most = 8 + 4 * rules.contexts
    if (length >= 12 && length <= most && length % 4 === 0) return undefined
    return refuse(nbd.NBD_EINVAL, request, `a payload of ${length} bytes, not 12 to ${most}`)
  }
  if (command !== nbd.NBD_CMD_READ && command !== nbd.NBD_CMD_WRITE) return undefined
  if (length <= maximum) return undefined
  const why = `${length} bytes are above the largest payload of ${maximum}`
  return refuse(nbd.NBD_EINVAL, request, why)
}
