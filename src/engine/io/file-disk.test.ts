import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmod,
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ErrorCode } from '../base/errors'
import { PlatterError } from '../base/errors'
import { Prng } from '../base/prng'
import type { Disk } from '../disk/disk'
import { describeDiskContract } from '../testing/disk-contract'
import { expectCode, expectSameBytes, readWhole } from '../testing/expect-disk'
import { createFileDisk } from './file-create'
import { openFileDisk } from './file-disk'
import { HoleWorker } from './hole-worker'
import { OpenHandles } from './open-handles'
import { createTempDisk } from './temp-disk'

const onLinux = process.platform === 'linux'
const handles = new OpenHandles()
const holes = new HoleWorker({ handles })
const services = { holes, handles }
let dir = ''
let fileCount = 0

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'platter-file-'))
})
afterAll(async () => {
  await holes.close()
  expect(handles.list()).toEqual([])
  await rm(dir, { recursive: true })
})

const newPath = () => join(dir, `disk-${fileCount++}.img`)

async function makeFile(content: Uint8Array): Promise<string> {
  const path = newPath()
  await writeFile(path, content)
  return path
}

const noise = (size: number, seed = 1) => new Prng(seed).fill(new Uint8Array(size))

/** Rejects with the code and with words that name the path and match `pattern`. */
async function expectRefusal(
  call: Promise<unknown>,
  code: ErrorCode,
  path: string,
  pattern: RegExp,
): Promise<void> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(PlatterError)
  const { message, code: actual } = error as PlatterError
  expect(message).toMatch(pattern)
  expect(message.startsWith(`${path}: `)).toBe(true)
  expect(actual).toBe(code)
}

describeDiskContract(
  'a writable file',
  async () => {
    const content = noise(300_000)
    const path = await makeFile(content)
    return { disk: await openFileDisk(path, { writable: true, ...services }), content }
  },
  onLinux ? {} : { lacks: ['trim', 'fastZero', 'extents', 'cache'] },
)

describeDiskContract(
  'a writable file of a program that may wait',
  async () => {
    const content = noise(300_000)
    const options = { writable: true, mayWait: true, ...services }
    return { disk: await openFileDisk(await makeFile(content), options), content }
  },
  onLinux ? {} : { lacks: ['trim', 'fastZero', 'extents', 'cache'] },
)

describeDiskContract(
  'a read-only file of odd size',
  async () => {
    const content = noise(100_001)
    return { disk: await openFileDisk(await makeFile(content), services), content }
  },
  {
    lacks: [
      ...(['write', 'zero', 'trim', 'fastZero', 'fua'] as const),
      ...(onLinux ? [] : (['extents', 'cache'] as const)),
    ],
  },
)

describeDiskContract(
  'a temporary file with holes',
  async () => {
    const content = new Uint8Array(512 * 1024)
    content.set(noise(40_000), 100_000)
    const disk = await createTempDisk(content.length, dir, services)
    await disk.write(content.subarray(100_000, 140_000), 100_000)
    return { disk, content }
  },
  onLinux ? {} : { lacks: ['trim', 'fastZero', 'extents', 'cache'] },
)

describe('opening a file', () => {
  it('refuses a missing file', async () => {
    const path = newPath()
    await expectRefusal(openFileDisk(path), 'NOT_FOUND', path, /there is no such file \(ENOENT\)$/)
    const below = `${await makeFile(noise(512))}/disk.img`
    await expectRefusal(openFileDisk(below), 'NOT_FOUND', below, /not a directory \(ENOTDIR\)$/)
  })

  it('refuses a path with a NUL character and one that leads in a circle', async () => {
    await expectRefusal(openFileDisk('a\0b'), 'NOT_FOUND', 'a\0b', /NUL character$/)
    const path = newPath()
    await symlink(path, path)
    await expectRefusal(openFileDisk(path), 'NOT_FOUND', path, /symbolic links \(ELOOP\)$/)
  })

  it('refuses an empty file', async () => {
    const path = await makeFile(new Uint8Array(0))
    await expectRefusal(openFileDisk(path), 'BAD_SIZE', path, /is empty: there is nothing to show$/)
  })

  it('refuses a directory, a FIFO, a socket and a character device without waiting for them', async () => {
    const directory = newPath()
    await mkdir(directory)
    await expectRefusal(openFileDisk(directory), 'NOT_A_DISK', directory, /it is a directory/)
    if (process.platform === 'win32') return
    const fifo = newPath()
    execFileSync('mkfifo', [fifo])
    await expectRefusal(openFileDisk(fifo), 'NOT_A_DISK', fifo, /it is a FIFO/)
    await expectRefusal(
      openFileDisk('/dev/zero', { writable: true }),
      'NOT_A_DISK',
      '/dev/zero',
      /it is a character device/,
    )
    const socket = newPath()
    const server = createServer().listen(socket)
    await once(server, 'listening')
    await expectRefusal(openFileDisk(socket), 'NOT_A_DISK', socket, /it is a socket/)
    server.close()
  })

  it('refuses to write to a program that is running', async () => {
    if (!onLinux) return
    const path = newPath()
    await copyFile('/bin/sleep', path)
    await chmod(path, 0o755)
    const program = spawn(path, ['60'])
    await once(program, 'spawn')
    const opening = openFileDisk(path, { writable: true })
    await expectRefusal(opening, 'IN_USE', path, /cannot open for writing: .* running \(ETXTBSY\)$/)
    program.kill()
    await once(program, 'exit')
  })

  it('stops when it is cancelled, and leaves nothing open', async () => {
    const path = await makeFile(noise(512))
    const controller = new AbortController()
    const opening = openFileDisk(path, { ...services, signal: controller.signal })
    controller.abort()
    await expectCode(opening, 'ABORTED')
    expect(handles.list().filter((name) => name === path)).toEqual([])
  })

  it('leaves no descriptor open after a refusal', async () => {
    if (!onLinux) return
    const paths = [await makeFile(new Uint8Array(0)), dir, '/dev/zero', newPath()]
    const openFds = async () => (await readdir('/proc/self/fd')).length
    const before = await openFds()
    for (let i = 0; i < 20; i++) {
      for (const path of paths) await openFileDisk(path, services).catch(() => undefined)
    }
    expect(await openFds()).toBe(before)
  })
})

describe('what a file disk tells of its file', () => {
  it('says in a sentence that the last sector is short, and reads it', async () => {
    const content = noise(1000)
    const path = await makeFile(content)
    const disk = await openFileDisk(path, services)
    expect(disk.size).toBe(1000)
    expect(disk.sizeNote).toBe(
      `${path}: its size of 1000 bytes is not a multiple of 512: the last sector has only 488 bytes`,
    )
    const tail = new Uint8Array(488)
    await disk.read(tail, 512)
    expectSameBytes(tail, content.subarray(512))
    await disk.close()
    const whole = await openFileDisk(await makeFile(noise(1024)), services)
    expect(whole.sizeNote).toBeUndefined()
    await whole.close()
  })

  it('tells its identity, and what its path leads to after another file took its place', async () => {
    const path = await makeFile(noise(4096))
    const disk = await openFileDisk(path, services)
    const identity = await disk.identity()
    expect(identity.size).toBe(4096)
    expect(await disk.identityNow()).toEqual(identity)
    await rename(await makeFile(noise(8192)), path)
    expect(await disk.identity()).toEqual(identity)
    const other = await disk.identityNow()
    expect(other?.size).toBe(8192)
    expect(other?.ino).not.toBe(identity.ino)
    await rm(path)
    expect(await disk.identityNow()).toBeUndefined()
    await disk.close()
  })

  it('counts what it takes on its file system', async () => {
    if (process.platform === 'win32') return
    const path = newPath()
    const disk = await createFileDisk(path, 1024 * 1024, services)
    expect(await disk.allocatedBytes()).toBe(0)
    await disk.write(noise(65536), 0, { fua: true })
    expect(await disk.allocatedBytes()).toBe(65536)
    await disk.close()
  })

  it('counts its handle until it is closed', async () => {
    const path = await makeFile(noise(512))
    const disk = await openFileDisk(path, services)
    expect(handles.list()).toContain(path)
    await disk.close()
    await disk.close()
    expect(handles.list()).not.toContain(path)
  })

  it('ends a hole worker of its own with itself', async () => {
    const own = new OpenHandles()
    const path = await makeFile(noise(512))
    const disk = await openFileDisk(path, { handles: own })
    expect(own.list()).toEqual(onLinux ? [path, 'hole worker'] : [path])
    await disk.close()
    expect(own.list()).toEqual([])
  })
})

describe('a file that shrinks while it is open', () => {
  async function shrunkDisk(writable = false) {
    const content = noise(100_000)
    const path = await makeFile(content)
    const disk = await openFileDisk(path, { writable, ...services })
    await truncate(path, 30_000)
    return { disk, path, content }
  }
  const words = /shrank while it was open, from 100000 to 30000 bytes/

  it('makes reads past its new end fail with both sizes', async () => {
    const { disk, path, content } = await shrunkDisk()
    await expectRefusal(disk.read(new Uint8Array(512), 30_000), 'SIZE_CHANGED', path, words)
    await expectRefusal(disk.read(new Uint8Array(512), 29_900), 'SIZE_CHANGED', path, words)
    await expectRefusal(disk.read(new Uint8Array(1), 99_999), 'SIZE_CHANGED', path, words)
    const before = new Uint8Array(100)
    await disk.read(before, 29_900)
    expectSameBytes(before, content.subarray(29_900, 30_000))
    await disk.close()
  })

  it('does not turn what is gone into a hole', async () => {
    const { disk, path } = await shrunkDisk()
    if (disk.capabilities.extents) {
      await expectRefusal(disk.extents(0, 100_000), 'SIZE_CHANGED', path, words)
      await expectRefusal(disk.extents(50_000, 10), 'SIZE_CHANGED', path, words)
    }
    await disk.close()
  })

  it('refuses writes, zeroes and trims, which would fill the gap', async () => {
    const { disk, path } = await shrunkDisk(true)
    const bytes = new Uint8Array(512)
    await expectRefusal(disk.write(bytes, 0), 'SIZE_CHANGED', path, words)
    await expectRefusal(disk.write(bytes, 90_000), 'SIZE_CHANGED', path, words)
    await expectRefusal(disk.zero(90_000, 512), 'SIZE_CHANGED', path, words)
    if (disk.capabilities.trim) {
      await expectRefusal(disk.trim(0, 100_000), 'SIZE_CHANGED', path, words)
    }
    expect((await stat(path)).size).toBe(30_000)
    await disk.close()
  })
})

it('a file that grows while it is open keeps the size it was opened with', async () => {
  const content = noise(50_000)
  const path = await makeFile(content)
  const disk = await openFileDisk(path, services)
  await truncate(path, 90_000)
  expectSameBytes(await readWhole(disk), content)
  expect((await disk.extents(0, 50_000)).end).toBe(50_000)
  await expectCode(disk.read(new Uint8Array(1), 50_000), 'OUT_OF_RANGE')
  await disk.close()
})

describe.runIf(onLinux)('holes made by a file disk', () => {
  const UNIT = 65536

  async function denseDisk(): Promise<{
    disk: Disk & { allocatedBytes(): Promise<number | undefined> }
    path: string
    content: Uint8Array
  }> {
    const content = noise(16 * UNIT)
    const path = await makeFile(content)
    return { disk: await openFileDisk(path, { writable: true, ...services }), path, content }
  }

  it('zero with mayTrim gives the space back and zeroes to the byte', async () => {
    const { disk, path, content } = await denseDisk()
    await disk.zero(UNIT - 3, 4 * UNIT + 5, { mayTrim: true, fua: true })
    content.fill(0, UNIT - 3, 5 * UNIT + 2)
    expectSameBytes(await readFile(path), content)
    expect(await disk.allocatedBytes()).toBe(12 * UNIT)
    expect((await disk.extents(0, disk.size)).toArray()).toEqual([
      { offset: 0, length: UNIT, flags: 0 },
      { offset: UNIT, length: 4 * UNIT, flags: 3 },
      { offset: 5 * UNIT, length: 11 * UNIT, flags: 0 },
    ])
    await disk.close()
  })

  it('zero without mayTrim keeps the space and zeroes to the byte', async () => {
    const { disk, path, content } = await denseDisk()
    await disk.zero(UNIT - 3, 4 * UNIT + 5, { fast: true })
    content.fill(0, UNIT - 3, 5 * UNIT + 2)
    expectSameBytes(await readFile(path), content)
    expect(await disk.allocatedBytes()).toBe(16 * UNIT)
    await disk.close()
  })

  it('trim gives back whole blocks and changes no byte beside them', async () => {
    const { disk, path, content } = await denseDisk()
    await disk.trim(UNIT - 3, 4 * UNIT + 5)
    content.fill(0, UNIT, 5 * UNIT)
    expectSameBytes(await readFile(path), content)
    await disk.trim(10 * UNIT + 1, 4000)
    expectSameBytes(await readFile(path), content)
    await disk.close()
  })

  it('a disk that was zeroed whole is one hole', async () => {
    const { disk } = await denseDisk()
    await disk.zero(0, disk.size, { mayTrim: true })
    expect((await disk.extents(0, disk.size)).toArray()).toEqual([
      { offset: 0, length: disk.size, flags: 3 },
    ])
    await disk.close()
  })

  it('the first extent alone is asked for when that is enough', async () => {
    const { disk } = await denseDisk()
    await disk.zero(UNIT, UNIT, { mayTrim: true })
    const list = await disk.extents(0, disk.size, { first: true })
    expect(list.toArray()).toEqual([{ offset: 0, length: UNIT, flags: 0 }])
    await disk.close()
  })
})

// An administrator passes every permission check, so the test becomes nobody while it tries.
async function asNobody<T>(act: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return act()
  process.seteuid?.(65534)
  try {
    return await act()
  } finally {
    process.seteuid?.(0)
  }
}

describe.runIf(process.platform !== 'win32')('a file that belongs to somebody else', () => {
  it('is refused when it may not be read, or not be written', async () => {
    await chmod(dir, 0o755)
    const path = await makeFile(noise(512))
    await chmod(path, 0o444)
    const written = openFileDisk.bind(undefined, path, { writable: true, ...services })
    await asNobody(() =>
      expectRefusal(written(), 'NO_PERMISSION', path, /for writing: permission denied \(EACCES\)$/),
    )
    await chmod(path, 0o000)
    await asNobody(() =>
      expectRefusal(
        openFileDisk(path, services),
        'NO_PERMISSION',
        path,
        /cannot open: permission denied/,
      ),
    )
    await chmod(path, 0o644)
    const disk = await openFileDisk(path, services)
    expect(await disk.whyNotWritable()).toBeUndefined()
    // access() goes by the real user, whom a test cannot change and change back.
    if (process.getuid?.() !== 0) {
      await chmod(path, 0o444)
      expect(await disk.whyNotWritable()).toBe('permission denied (EACCES)')
    }
    await disk.close()
  })
})

describe('making files', () => {
  it('makes a sparse file, and refuses one that is there', async () => {
    const path = newPath()
    const disk = await createFileDisk(path, 10 * 1024 * 1024, services)
    expect(disk.capabilities.write).toBe(true)
    await disk.close()
    expect((await stat(path)).size).toBe(10 * 1024 * 1024)
    await expectRefusal(createFileDisk(path, 512), 'ALREADY_EXISTS', path, /cannot create .*EEXIST/)
    expect((await stat(path)).size).toBe(10 * 1024 * 1024)
  })

  it('empties a file that is there when that is asked for', async () => {
    const path = await makeFile(noise(5000))
    const disk = await createFileDisk(path, 2000, { ...services, exclusive: false })
    expectSameBytes(await readWhole(disk), new Uint8Array(2000))
    await disk.close()
  })

  it('leaves nothing behind when the file cannot be so large', async () => {
    const path = newPath()
    const making = createFileDisk(path, Number.MAX_SAFE_INTEGER, services)
    await expectRefusal(making, 'NO_SPACE', path, /cannot create a file of 9007199254740991 bytes/)
    await expect(stat(path)).rejects.toThrow(/ENOENT/)
  })

  it('makes temporary files that no name leads to', async () => {
    const own = await mkdtemp(join(dir, 'temp-'))
    const disk = await createTempDisk(1024 * 1024, own, services)
    expect(await readdir(own)).toEqual([])
    await disk.write(noise(5000), 1000)
    const back = new Uint8Array(5000)
    await disk.read(back, 1000)
    expectSameBytes(back, noise(5000))
    await disk.close()
  })

  it('says where a temporary file could not be made', async () => {
    const missing = join(dir, 'nowhere')
    await expect(createTempDisk(512, missing)).rejects.toThrow(/nowhere.*there is no such file/)
  })
})
