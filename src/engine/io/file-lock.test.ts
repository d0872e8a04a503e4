import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { open, truncate, writeFile } from 'node:fs/promises'
import { constants } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { PlatterError } from '../base/errors'
import { failureOf } from '../testing/fail-nth'
import { withTempDir } from '../testing/peer-process'
import { openFileDisk } from './file-disk'
import { lockFile } from './file-lock'
import { hasHoleCalls } from './hole-libc'
import type { FoundLock, LockCalls } from './lock-calls'
import { loadLockCalls } from './lock-calls'
import { parseLockLine } from './lock-holder'

interface FakeCalls extends LockCalls {
  /** Bytes that are held, in order. */
  held(): number[]
}

/** One file's lock bytes, with what others hold in it, or an errno for every call. */
function fakeCalls(
  others: readonly (FoundLock & { readonly length: number })[],
  { setErrno = 0, findErrno = 0 } = {},
): FakeCalls {
  const held = new Set<number>()
  return {
    held: () => [...held].sort((a, b) => a - b),
    set: (_fd, type, start, length) => {
      if (setErrno !== 0) return setErrno
      for (let at = start; at < start + length; at++) {
        if (type === 'read') held.add(at)
        else held.delete(at)
      }
      return 0
    },
    find: (_fd, start, length) => {
      if (findErrno !== 0) return { errno: findErrno }
      const found = others.find(
        (lock) => lock.start < start + length && start < lock.start + lock.length,
      )
      return found && { start: found.start, ...(found.pid === undefined ? {} : { pid: found.pid }) }
    },
  }
}

const lockWith = (calls: LockCalls | undefined, mode: 'shared-read' | 'exclusive-write') =>
  lockFile(-1, '/a.img', mode, async () => calls)

const refusalOf = async (calls: LockCalls) =>
  (await failureOf(lockWith(calls, 'exclusive-write'))) as PlatterError

describe('lockFile', () => {
  it('holds one byte to read and lets others do everything', async () => {
    const calls = fakeCalls([])
    expect(await lockWith(calls, 'shared-read')).toBeUndefined()
    expect(calls.held()).toEqual([100])
  })

  it('holds reading, writing and resizing to write, and lets others read alone', async () => {
    const calls = fakeCalls([])
    expect(await lockWith(calls, 'exclusive-write')).toBeUndefined()
    expect(calls.held()).toEqual([100, 101, 103, 201, 202, 203])
  })

  it('does nothing when nothing is asked for', async () => {
    const load = () => Promise.reject(new Error('loaded'))
    expect(await lockFile(-1, '/a.img', 'none', load)).toBeUndefined()
  })

  it.each([
    ['uses the permission to write', 101, 'has it open for writing'],
    ['writes what is there already', 102, 'has it open for writing'],
    ['resizes', 103, 'has it open for writing'],
    ['shares no consistent reading', 200, 'is in the middle of changing it'],
    ['shares no writing', 201, 'uses it and lets nobody else write'],
    ['shares no resizing', 203, 'uses it and lets nobody else write'],
  ])('refuses to write beside one who %s, and holds nothing then', async (_who, start, words) => {
    const calls = fakeCalls([{ start, length: 1, pid: process.pid }])
    const refusal = await refusalOf(calls)
    expect(refusal.code).toBe('IN_USE')
    expect(refusal.message).toBe(
      `/a.img: cannot be written: this process (${process.pid}) ${words}; nothing was changed`,
    )
    expect(refusal.data).toMatchObject({ path: '/a.img', pid: process.pid })
    expect(calls.held()).toEqual([])
  })

  it.each([
    ['reads', 100],
    ['does not share what is already there', 202],
  ])('writes beside one who only %s', async (_who, start) => {
    const calls = fakeCalls([{ start, length: 1 }])
    expect(await lockWith(calls, 'exclusive-write')).toBeUndefined()
  })

  it('tells a byte inside a longer lock of others by the byte, not by where the lock begins', async () => {
    const refusal = await refusalOf(fakeCalls([{ start: 100, length: 2 }]))
    expect(refusal.message).toBe(
      '/a.img: cannot be written: another program (which one could not be told) has it open for writing; nothing was changed',
    )
    expect(refusal.data).toEqual({ path: '/a.img' })
  })

  it.each([101, 103, 200])('reads beside a lock of byte %i, with a sentence', async (start) => {
    const calls = fakeCalls([{ start, length: 1 }])
    expect(await lockWith(calls, 'shared-read')).toMatch(
      /^\/a\.img: another program .*: what is shown may be out of date or change while it is read$/,
    )
    expect(calls.held()).toEqual([100])
  })

  it.each([201, 203])('reads beside one who holds byte %i without a word', async (start) => {
    expect(await lockWith(fakeCalls([{ start, length: 1 }]), 'shared-read')).toBeUndefined()
  })

  it('refuses to write a file that somebody has locked as a whole, and warns who reads it', async () => {
    const calls = fakeCalls([{ start: 0, length: 1000, pid: process.pid }], {
      setErrno: constants.errno.EAGAIN,
    })
    const refusal = await refusalOf(calls)
    expect([refusal.code, refusal.message]).toEqual([
      'IN_USE',
      `/a.img: cannot be written: this process (${process.pid}) has locked it; nothing was changed`,
    ])
    expect(await lockWith(calls, 'shared-read')).toContain('has locked it')
  })

  it('still refuses when the lock of the whole file is gone by the time it is asked about', async () => {
    const refusal = await refusalOf(fakeCalls([], { setErrno: constants.errno.EACCES }))
    expect(refusal.code).toBe('IN_USE')
  })

  it.each(['EINVAL', 'ENOLCK', 'ENOSYS', 'EOPNOTSUPP'] as const)(
    'opens where locks fail with %s, and says so',
    async (name) => {
      const sentence = expect.stringMatching(
        `^/a\\.img: the file cannot be locked: .*\\(${name === 'EOPNOTSUPP' ? 'E(OPNOTSUPP|NOTSUP)' : name}\\): other programs`,
      )
      const setErrno = constants.errno[name]
      const [toRead, toWrite] = ['shared-read', 'exclusive-write'] as const
      expect(await lockWith(fakeCalls([], { setErrno }), toRead)).toEqual(sentence)
      expect(await lockWith(fakeCalls([], { setErrno }), toWrite)).toEqual(sentence)
      const asking = fakeCalls([], { findErrno: setErrno })
      expect(await lockWith(asking, toWrite)).toEqual(sentence)
      expect(asking.held()).toEqual([])
    },
  )

  it('opens where the system has no such locks, and says so', async () => {
    expect(await lockWith(undefined, 'exclusive-write')).toContain('there are no locks on')
  })
})

describe('parseLockLine', () => {
  it('reads file and range of a lock', () => {
    const line = 'lock:\t1: OFDLCK  ADVISORY  READ -1 fe:00:2278880 100 101'
    expect(parseLockLine(line)).toEqual([{ file: 'fe:00:2278880', first: 100, last: 101 }])
  })

  it('reads one without an end', () => {
    const line = 'lock:\t2: POSIX  ADVISORY  WRITE 77 fe:00:5 0 EOF'
    expect(parseLockLine(line)).toEqual([{ file: 'fe:00:5', first: 0, last: Infinity }])
  })

  it('takes nothing else for a lock', () => {
    expect(parseLockLine('pos:\t0')).toEqual([])
    expect(parseLockLine('lock:\tgone')).toEqual([])
  })
})

const HOLD = `
const fs = require('node:fs')
const koffi = require(process.argv[2])
const fcntl = koffi.load(null).func('int fcntl(int fd, int command, ...)')
const fd = fs.openSync(process.argv[1], 'r+')
const lock = new BigInt64Array([0n, 100n, 2n, 0n])
console.log(fcntl(fd, 37, 'void *', lock))
setInterval(() => undefined, 60_000)
`

const describeLinux = hasHoleCalls() ? describe : describe.skip

describeLinux('locks of real files', () => {
  const writable = { writable: true, lock: 'exclusive-write' } as const

  const withImage = (use: (path: string) => Promise<void>) =>
    withTempDir(async (dir) => {
      const path = join(dir, 'a.img')
      await writeFile(path, 'x')
      await truncate(path, 65_536)
      await use(path)
    })

  it('lets one of two write, names the other, and lets it go on close', async () => {
    await withImage(async (path) => {
      const first = await openFileDisk(path, writable)
      const refusal = (await failureOf(openFileDisk(path, writable))) as PlatterError
      expect(refusal.code).toBe('IN_USE')
      expect(refusal.message).toContain(`this process (${process.pid}) has it open for writing`)
      await first.close()
      const second = await openFileDisk(path, writable)
      expect(second.lockNote).toBeUndefined()
      await second.close()
    })
  })

  it('lets any number read, beside each other without a word, beside a writer with one', async () => {
    await withImage(async (path) => {
      const readers = [
        await openFileDisk(path, { lock: 'shared-read' }),
        await openFileDisk(path, { lock: 'shared-read' }),
      ]
      const writer = await openFileDisk(path, writable)
      const late = await openFileDisk(path, { lock: 'shared-read' })
      expect([...readers, writer, late].map((disk) => disk.lockNote !== undefined)).toEqual([
        false,
        false,
        false,
        true,
      ])
      for (const disk of [...readers, writer, late]) await disk.close()
    })
  })

  it('holds nothing on a file after it was refused', async () => {
    await withImage(async (path) => {
      const writer = await openFileDisk(path, writable)
      const file = await open(path, 'r+')
      await expect(lockFile(file.fd, path, 'exclusive-write')).rejects.toMatchObject({
        code: 'IN_USE',
      })
      await writer.close()
      const another = await openFileDisk(path, writable)
      await another.close()
      await file.close()
    })
  })

  it('finds another process by name, and nothing of it after it was killed', async () => {
    await withImage(async (path) => {
      const koffi = require.resolve('koffi')
      const child = spawn(process.execPath, ['-e', HOLD, path, koffi], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const ended = once(child, 'close')
      try {
        expect(String((await once(child.stdout, 'data'))[0]).trim()).toBe('0')
        const refusal = (await failureOf(openFileDisk(path, writable))) as PlatterError
        expect(refusal.code).toBe('IN_USE')
        expect(refusal.message).toContain(`(process ${child.pid}) has it open for writing`)
      } finally {
        child.kill('SIGKILL')
        await ended
      }
      await (await openFileDisk(path, writable)).close()
    })
  })

  it('asks about other descriptors of the file, not about its own', async () => {
    await withImage(async (path) => {
      const calls = (await loadLockCalls()) as LockCalls
      const [one, two] = [await open(path, 'r+'), await open(path, 'r+')]
      expect(calls.set(one.fd, 'read', 100, 2)).toBe(0)
      expect(calls.find(one.fd, 100, 4)).toBeUndefined()
      expect(calls.find(two.fd, 101, 1)).toEqual({ start: 100 })
      expect(calls.find(two.fd, 102, 1)).toBeUndefined()
      expect(calls.set(one.fd, 'none', 100, 1)).toBe(0)
      expect(calls.find(two.fd, 100, 4)).toEqual({ start: 101 })
      await one.close()
      expect(calls.find(two.fd, 100, 4)).toBeUndefined()
      expect(calls.set(one.fd, 'read', 100, 2)).toBe(constants.errno.EBADF)
      await two.close()
    })
  })
})
