// Who holds a lock on a file: Linux says of each descriptor of each process which locks it has, in
// /proc/PID/fdinfo. Only what this user may look at is found: one's own processes, or all of them for
// root. No file is touched, so that a file server that does not answer cannot hold this up.

import { readdir, readFile } from 'node:fs/promises'
import type { FoundLock } from './lock-calls'

export interface LockHolder {
  readonly pid: number
  /** As the kernel has it: up to 15 characters. */
  readonly program: string
}

/** Descriptors to look at before giving up: some seconds of work on a very busy machine. */
const MOST_DESCRIPTORS = 100_000

/** One `lock:` line of fdinfo: device, file and range as the kernel names them. */
interface LockLine {
  readonly file: string
  readonly first: number
  readonly last: number
}

/**
 * The process with a lock at `found.start` on the file that `fd` has open; `undefined` when it cannot be
 * told. `fd` must hold some lock itself: that is how the kernel's name of the file is known.
 */
export async function findLockHolder(
  fd: number,
  found: FoundLock,
): Promise<LockHolder | undefined> {
  if (found.pid !== undefined) return describe(found.pid)
  const own = await locksOf(process.pid, String(fd))
  const file = own[0]?.file
  if (file === undefined) return undefined
  let looked = 0
  for (const pid of await numbersIn('/proc')) {
    for (const other of await numbersIn(`/proc/${pid}/fd`)) {
      if (pid === String(process.pid) && other === String(fd)) continue
      if (++looked > MOST_DESCRIPTORS) return undefined
      const locks = await locksOf(pid, other)
      if (locks.some((lock) => lock.file === file && holds(lock, found.start))) {
        return describe(Number(pid))
      }
    }
  }
  return undefined
}

const holds = ({ first, last }: LockLine, at: number): boolean => first <= at && at <= last

async function describe(pid: number): Promise<LockHolder> {
  const program = (await textOf(`/proc/${pid}/comm`)).trim()
  return { pid, program: program === '' ? 'a program' : program }
}

async function locksOf(pid: number | string, fd: string): Promise<LockLine[]> {
  const text = await textOf(`/proc/${pid}/fdinfo/${fd}`)
  if (!text.includes('\nlock:')) return []
  return text.split('\n').flatMap(parseLockLine)
}

/** `lock:	1: OFDLCK  ADVISORY  READ -1 fe:00:2278880 100 101`; the last number may be `EOF`. */
export function parseLockLine(line: string): LockLine[] {
  if (!line.startsWith('lock:')) return []
  const [file, first, last] = line.trim().split(/\s+/).slice(-3)
  if (file === undefined || !/^\w+:\w+:\d+$/.test(file)) return []
  return [
    { file, first: Number(first), last: last === 'EOF' ? Number.POSITIVE_INFINITY : Number(last) },
  ]
}

async function numbersIn(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).filter((name) => /^\d+$/.test(name))
  } catch {
    // A process that ended in between, or of another user: nothing to be learnt from it.
    return []
  }
}

const textOf = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '')
