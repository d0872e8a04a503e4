// The files that a lasting overlay is made of, as whoever keeps it sees them: disks by their paths, and
// the few things that can be done with a path. engine/io implements it with real files; a test with ones
// that record every write and sync, lose what was not synced, and fail where they are told to.
//
// What survives a crash: the bytes of a disk that its flush() covered, and a creation, rename, resize or
// removal that a later syncNames() of its directory covered (a resize: the file's own flush). Anything
// else may be there, in whole or in part, or not at all, in any order. The time of a file's last change may
// be an older one, unless a disk that was opened with `syncsTimes` was flushed since.

import type { Disk } from './disk'

export interface FileDiskInSpace extends Disk {
  /** Absolute; as it was opened. */
  readonly path: string
}

/** What tells one state of a file from another without reading it. */
export interface FileFacts {
  /** Bytes. */
  readonly size: number
  readonly modifiedNs: bigint
  readonly inode: bigint
  readonly device: bigint
}

export interface OpenInSpace {
  readonly writable: boolean
  /** Nobody else may write it while it is open; IN_USE when somebody does. */
  readonly exclusive?: boolean
  /** Its flush makes the time of its last change stable as well, which costs more. */
  readonly syncsTimes?: boolean
  /** A flush follows all writes: the device may begin while more of them come. */
  readonly writesOut?: boolean
}

export interface FileSpace {
  /** A new file of `size` zero bytes, none of them allocated; ALREADY_EXISTS leaves what is there alone. */
  create(path: string, size: number): Promise<FileDiskInSpace>
  /** NOT_FOUND, NO_PERMISSION, …; the size is that of the file now. */
  open(path: string, options: OpenInSpace): Promise<FileDiskInSpace>
  /** Grows with zeroes or cuts; disks that are open on the path keep the size that they had. */
  resize(path: string, size: number): Promise<void>
  /** Takes the place of `to` in one step. */
  rename(from: string, to: string): Promise<void>
  remove(path: string): Promise<void>
  /** What was created, renamed or removed in the directory of `path` is stable. */
  syncNames(path: string): Promise<void>
  /** `undefined` when there is no such file. */
  facts(path: string): Promise<FileFacts | undefined>
}
