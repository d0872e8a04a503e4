// NBD's error numbers and Platter's error codes, both ways.

import type { ErrorCode } from '../base/errors'
import { PlatterError } from '../base/errors'
import {
  NBD_EINVAL,
  NBD_EIO,
  NBD_ENOMEM,
  NBD_ENOSPC,
  NBD_ENOTSUP,
  NBD_EOVERFLOW,
  NBD_EPERM,
  NBD_ESHUTDOWN,
  nameOfError,
} from './constants'

/** An error as it stands in a reply: a number, and a text that only structured replies carry. */
export interface WireError {
  readonly errno: number
  readonly message: string
}

const ERRNO_OF_CODE: Partial<Record<ErrorCode, number>> = {
  OUT_OF_RANGE: NBD_EINVAL,
  MISALIGNED: NBD_EINVAL,
  LIMIT: NBD_EINVAL,
  BAD_REQUEST: NBD_EINVAL,
  NOT_SUPPORTED: NBD_ENOTSUP,
  READ_ONLY: NBD_EPERM,
  NO_PERMISSION: NBD_EPERM,
  NO_SPACE: NBD_ENOSPC,
  CLOSED: NBD_ESHUTDOWN,
  ABORTED: NBD_ESHUTDOWN,
}

/** What a client is told about a failed request. A bug of ours is an I/O error to it. */
export function wireErrorOf(error: unknown): WireError {
  if (!(error instanceof PlatterError)) return { errno: NBD_EIO, message: 'internal error' }
  return { errno: ERRNO_OF_CODE[error.code] ?? NBD_EIO, message: error.message }
}

const CODE_OF_ERRNO = new Map<number, ErrorCode>([
  [NBD_EPERM, 'NO_PERMISSION'],
  [NBD_EIO, 'IO_ERROR'],
  [NBD_ENOMEM, 'LIMIT'],
  [NBD_EINVAL, 'REFUSED'],
  [NBD_ENOSPC, 'NO_SPACE'],
  [NBD_EOVERFLOW, 'LIMIT'],
  [NBD_ENOTSUP, 'NOT_SUPPORTED'],
  [NBD_ESHUTDOWN, 'DISCONNECTED'],
])

/** What a reply's error is to us; a number that the protocol does not know counts as NBD_EINVAL. */
export function errorOfReply(what: string, error: WireError): PlatterError {
  const code = CODE_OF_ERRNO.get(error.errno) ?? 'REFUSED'
  const text = error.message === '' ? '' : `: ${error.message}`
  return new PlatterError(code, `${what}: the server answered ${nameOfError(error.errno)}${text}`, {
    data: { errno: error.errno },
  })
}
