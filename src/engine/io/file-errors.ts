// What the operating system says about files, as PlatterErrors: one table from errno to a stable code
// and to words. The errno's name stays at the end of the message for those who look things up by it.

import { constants } from 'node:os'
import type { ErrorCode } from '../base/errors'
import { PlatterError } from '../base/errors'

const ERRNO_TABLE: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  ENOENT: ['NOT_FOUND', 'there is no such file'],
  ENOTDIR: ['NOT_FOUND', 'a part of the path is not a directory'],
  ELOOP: ['NOT_FOUND', 'the path goes through too many symbolic links'],
  ENAMETOOLONG: ['NOT_FOUND', 'the name is longer than the file system allows'],
  ENODEV: ['NOT_FOUND', 'there is no such device'],
  ENXIO: ['NOT_FOUND', 'there is no such device or address'],
  ERR_INVALID_ARG_VALUE: ['NOT_FOUND', 'a path cannot contain a NUL character'],
  ENOMEDIUM: ['NOT_FOUND', 'there is no medium in the drive'],
  EACCES: ['NO_PERMISSION', 'permission denied'],
  EPERM: ['NO_PERMISSION', 'the operation is not permitted'],
  EROFS: ['READ_ONLY', 'the file system is mounted read-only'],
  EISDIR: ['NOT_A_DISK', 'it is a directory'],
  EEXIST: ['ALREADY_EXISTS', 'a file of that name is there already'],
  EBUSY: ['IN_USE', 'the device or file is in use'],
  ETXTBSY: ['IN_USE', 'the file is a program that is running'],
  ENOSPC: ['NO_SPACE', 'no space is left on the file system'],
  EDQUOT: ['NO_SPACE', 'the disk quota is used up'],
  EFBIG: ['NO_SPACE', 'the file would be larger than the file system or the user limit allows'],
  EMFILE: ['LIMIT', 'this process has too many files open'],
  ENFILE: ['LIMIT', 'the system has too many files open'],
  EOVERFLOW: ['LIMIT', 'a size or offset does not fit what the system can express'],
  ENOMEM: ['LIMIT', 'the system is out of memory'],
  EOPNOTSUPP: ['NOT_SUPPORTED', 'the file system does not support it'],
  ENOTSUP: ['NOT_SUPPORTED', 'the file system does not support it'],
  ENOLCK: ['NOT_SUPPORTED', 'the file system has no locks to give'],
  ENOSYS: ['NOT_SUPPORTED', 'the system does not support it'],
  EINVAL: ['IO_ERROR', 'the system does not accept the request'],
  EIO: ['IO_ERROR', 'the device reported an input/output error'],
  ESTALE: ['IO_ERROR', 'the file is gone from the file server'],
}

/**
 * `path: doing: why (ERRNO)`; `doing` says what failed with its numbers, such as `cannot read 512 bytes
 * at offset 0`. An errno that the table does not name becomes IO_ERROR; a PlatterError stays as it is,
 * and what carries no code at all is a bug of ours and is thrown on.
 */
export function fileError(error: unknown, path: string, doing: string): PlatterError {
  if (error instanceof PlatterError) return error
  const errno = errnoName(error)
  if (errno === '') throw error
  const code = ERRNO_TABLE[errno]?.[0] ?? 'IO_ERROR'
  return new PlatterError(code, `${path}: ${doing}: ${fileReason(error)}`, {
    cause: error,
    data: { path, errno },
  })
}

/** Why alone: `permission denied (EACCES)`. */
export function fileReason(error: unknown): string {
  const errno = errnoName(error)
  const why = ERRNO_TABLE[errno]?.[1] ?? (error instanceof Error ? error.message : String(error))
  return /^E[A-Z0-9]+$/.test(errno) ? `${why} (${errno})` : why
}

/** The name of the system error that `error` carries, or an empty text. */
export function errnoName(error: unknown): string {
  const code = (error as { code?: unknown } | undefined)?.code
  return typeof code === 'string' ? code : ''
}

/** A system error out of a positive errno, for calls that Node did not make. */
export function systemError(errno: number, call: string): Error {
  // Not getSystemErrorName: it knows only what Node's own calls end in, and not ENOLCK.
  const named = Object.entries(constants.errno).find(([, value]) => value === errno)
  const code = named?.[0] ?? `errno ${errno}`
  return Object.assign(new Error(`${call}: ${code}`), { code, errno })
}
