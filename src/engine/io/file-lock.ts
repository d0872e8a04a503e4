// Keeps two programs from writing to one image: locks on single bytes of the file that QEMU's programs
// understand (block/file-posix.c there), and a second Platter as well. Nothing is ever written to those
// bytes, and they need not exist.
//
//   byte 100 + n   somebody uses permission n
//   byte 200 + n   somebody who uses the file does not let others use permission n
//   n              0 consistent read · 1 write · 2 write what is there already · 3 resize
//
// Everybody takes his bytes first, shared, and then looks whether anybody holds one that speaks against
// him: of two who come at the same instant perhaps neither gets in, but never both.
//
// `shared-read` uses 0 and lets others do everything: who looks at an image must not keep a virtual
// machine from starting. What speaks against it becomes a sentence to show, not a refusal.
// `exclusive-write` uses 0, 1 and 3 and lets others read alone.
//
// The locks go with the descriptor's last close. Where a file system or a system has none, that is a
// sentence too: images there can be written, as they can with QEMU's `locking=auto`.

import { constants } from 'node:os'
import { PlatterError } from '../base/errors'
import { fileReason, systemError } from './file-errors'
import type { FoundLock, LockCalls } from './lock-calls'
import { loadLockCalls } from './lock-calls'
import { findLockHolder, type LockHolder } from './lock-holder'

export type LockMode = 'none' | 'shared-read' | 'exclusive-write'

const USED = 100
const NOT_SHARED = 200
const CONSISTENT_READ = 0
const WRITE = 1
const WRITE_UNCHANGED = 2
const RESIZE = 3

type Range = readonly [start: number, length: number]

interface Plan {
  readonly take: readonly Range[]
  readonly refusedBy: readonly Range[]
}

const ALL_WRITING: Range = [USED + WRITE, RESIZE - WRITE + 1]

const PLANS: Readonly<Record<Exclude<LockMode, 'none'>, Plan>> = {
  'shared-read': {
    take: [[USED + CONSISTENT_READ, 1]],
    refusedBy: [ALL_WRITING, [NOT_SHARED + CONSISTENT_READ, 1]],
  },
  'exclusive-write': {
    take: [
      [USED + CONSISTENT_READ, 2],
      [USED + RESIZE, 1],
      [NOT_SHARED + WRITE, RESIZE - WRITE + 1],
    ],
    refusedBy: [ALL_WRITING, [NOT_SHARED + CONSISTENT_READ, 2], [NOT_SHARED + RESIZE, 1]],
  },
}

/** What the open files of both plans can hold, for letting go of it. */
const EVERYTHING: readonly Range[] = [
  [USED, WRITE_UNCHANGED + 2],
  [NOT_SHARED, WRITE_UNCHANGED + 2],
]

/**
 * Locks the file behind `fd`, which must not be locked already; the lock goes when `fd` is closed.
 * Rejects with IN_USE, holding nothing, when `exclusive-write` cannot be had; the message and `data`
 * name the process where it can be found. Resolves with a sentence for a person when what is read may
 * change, or when nobody can be kept out.
 */
export async function lockFile(
  fd: number,
  path: string,
  mode: LockMode,
  load: () => Promise<LockCalls | undefined> = loadLockCalls,
): Promise<string | undefined> {
  if (mode === 'none') return undefined
  const calls = await load()
  if (calls === undefined) {
    return unlockable(path, `there are no locks on ${process.platform} ${process.arch}`)
  }
  const outcome = take(calls, fd, PLANS[mode])
  if (outcome === undefined) return undefined
  if ('errno' in outcome) {
    letGo(calls, fd)
    return unlockable(path, fileReason(systemError(outcome.errno, 'fcntl')))
  }
  const holder = await findLockHolder(fd, outcome)
  if (mode === 'shared-read') return readingBeside(path, outcome, holder)
  letGo(calls, fd)
  throw inUse(path, outcome, holder)
}

/** `undefined`: the bytes are held and nothing speaks against it. */
function take(
  calls: LockCalls,
  fd: number,
  { take, refusedBy }: Plan,
): FoundLock | { readonly errno: number } | undefined {
  for (const [start, length] of take) {
    const errno = calls.set(fd, 'read', start, length)
    if (errno === constants.errno.EAGAIN || errno === constants.errno.EACCES) {
      // A lock of a kind that QEMU never takes: somebody has locked the whole file, as a rule.
      return { start, pid: pidOf(calls.find(fd, start, length)) }
    }
    if (errno !== 0) return { errno }
  }
  for (const [start, length] of refusedBy) {
    const found = calls.find(fd, start, length)
    if (found === undefined) continue
    if ('errno' in found) return found
    // The kernel joins neighbours: a lock may begin before the bytes that were asked about.
    return { ...found, start: Math.max(found.start, start) }
  }
  return undefined
}

const pidOf = (found: ReturnType<LockCalls['find']>): number | undefined =>
  found !== undefined && 'pid' in found ? found.pid : undefined

function letGo(calls: LockCalls, fd: number): void {
  // Where locks do not work there is nothing to let go of, and nothing else can fail.
  for (const [start, length] of EVERYTHING) calls.set(fd, 'none', start, length)
}

function unlockable(path: string, why: string): string {
  return `${path}: the file cannot be locked: ${why}: other programs that write to it are neither seen nor kept out`
}

function readingBeside(path: string, found: FoundLock, holder: LockHolder | undefined): string {
  return `${path}: ${nameOf(holder)} ${doingOf(found)}: what is shown may be out of date or change while it is read`
}

function inUse(path: string, found: FoundLock, holder: LockHolder | undefined): PlatterError {
  const why = `${nameOf(holder)} ${doingOf(found)}`
  return new PlatterError('IN_USE', `${path}: cannot be written: ${why}; nothing was changed`, {
    data: { path, ...(holder === undefined ? {} : { pid: holder.pid, program: holder.program }) },
  })
}

function nameOf(holder: LockHolder | undefined): string {
  if (holder === undefined) return 'another program (which one could not be told)'
  if (holder.pid === process.pid) return `this process (${holder.pid})`
  return `${holder.program} (process ${holder.pid})`
}

function doingOf({ start }: FoundLock): string {
  if (start >= NOT_SHARED + WRITE) return 'uses it and lets nobody else write'
  if (start >= NOT_SHARED) return 'is in the middle of changing it'
  if (start > USED) return 'has it open for writing'
  return 'has locked it'
}
