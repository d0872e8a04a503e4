import { constants, openSync } from 'node:fs'
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { expectCode } from '../testing/expect-disk'
import { CachedFile } from './cached-file'
import type { OpenFile } from './file-handle'
import { FileHandle } from './file-handle'
import { FileHoles } from './file-holes'
import type { HoleReply, HoleRequest } from './hole-requests'
import type { HoleWorker } from './hole-worker'

let dir = ''
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'platter-handle-'))
})
afterAll(() => rm(dir, { recursive: true }))

type Answer = (request: HoleRequest) => HoleReply | Promise<HoleReply>

/** A handle on a real file whose questions about holes a test answers. */
async function handleOn(path: string, answer: Answer, more: Partial<OpenFile> = {}) {
  const file = await open(path, 'r+')
  const ask = async (request: HoleRequest) => answer(request)
  const worker = { isAvailable: true, ask } as unknown as HoleWorker
  const { size } = await file.stat()
  const handle = new FileHandle({
    fd: file.fd,
    path,
    kind: 'file',
    size,
    writable: true,
    holes: new FileHoles(worker, file.fd, path),
    abilities: { canAllocate: true },
    watchesSize: true,
    ioSize: 4096,
    cached: new CachedFile(-1, undefined),
    onClose: async () => undefined,
    ...more,
  })
  return { handle, close: () => file.close() }
}

async function makeFile(): Promise<string> {
  const path = join(dir, 'disk.img')
  await writeFile(path, Buffer.alloc(20_000, 0xaa))
  return path
}

const refuse = (errno: number): HoleReply => ({ kind: 'failed', errno, call: 'fallocate' })
const EOPNOTSUPP = 95
const ENOSPC = 28

function expected(from: number, to: number): Buffer {
  return Buffer.alloc(20_000, 0xaa).fill(0, from, to)
}

describe('zeroing where holes cannot be made', () => {
  it('writes zeroes instead, and asks the file system only once', async () => {
    const path = await makeFile()
    const modes: number[] = []
    const { handle, close } = await handleOn(path, (request) => {
      if (request.kind === 'allocate') modes.push(request.mode)
      return refuse(EOPNOTSUPP)
    })
    await handle.zero(100, 5000, { mayTrim: true })
    await handle.zero(9000, 10, { mayTrim: true })
    expect(modes).toEqual([0x03, 0x11])
    const bytes = expected(100, 5100).fill(0, 9000, 9010)
    expect(await readFile(path)).toEqual(bytes)
    await close()
  })

  it('refuses a fast zero, nothing changed', async () => {
    const path = await makeFile()
    const { handle, close } = await handleOn(path, () => refuse(EOPNOTSUPP))
    await expectCode(handle.zero(100, 5000, { mayTrim: true, fast: true }), 'NOT_SUPPORTED')
    expect(await readFile(path)).toEqual(expected(0, 0))
    await close()
  })

  it('passes on a failure that is not about what is supported', async () => {
    const path = await makeFile()
    const { handle, close } = await handleOn(path, () => refuse(ENOSPC))
    await expectCode(handle.zero(0, 4096, {}), 'NO_SPACE')
    await close()
  })

  it('lets a trim do nothing', async () => {
    const path = await makeFile()
    const { handle, close } = await handleOn(path, () => refuse(EOPNOTSUPP))
    await handle.trim(0, 20_000, 4096)
    expect(await readFile(path)).toEqual(expected(0, 0))
    await close()
  })

  it('does without koffi', async () => {
    const path = await makeFile()
    const { handle, close } = await handleOn(path, () => ({
      kind: 'unavailable',
      why: 'no binary',
    }))
    await handle.zero(5, 10, { mayTrim: true })
    expect(await readFile(path)).toEqual(expected(5, 15))
    expect(await handle.file.holes.probe()).toEqual({
      canAllocate: false,
      note: 'holes of files cannot be told here: no binary',
    })
    await close()
  })
})

it('a file system that does not tell holes is named as the reason', async () => {
  const path = await makeFile()
  const { handle, close } = await handleOn(path, () => ({
    kind: 'failed',
    errno: 22,
    call: 'lseek',
  }))
  expect(await handle.file.holes.probe()).toEqual({
    canAllocate: true,
    note: 'the file system does not tell holes: the system does not accept the request (EINVAL)',
  })
  await close()
})

describe('zeroing a block device', () => {
  it('asks for whole sectors and writes the rest', async () => {
    const path = await makeFile()
    const asked: HoleRequest[] = []
    const answer: Answer = (request) => {
      asked.push(request)
      return { kind: 'value', value: 0 }
    }
    const { handle, close } = await handleOn(path, answer, { kind: 'block device' })
    await handle.zero(4000, 9000, { mayTrim: true })
    expect(asked).toMatchObject([{ kind: 'allocate', offset: 4096, length: 8192 }])
    // The device of this test does not zero what it is asked to: what was written shows.
    expect(await readFile(path)).toEqual(expected(4000, 4096).fill(0, 12_288, 13_000))
    await close()
  })

  it('writes what is smaller than a sector', async () => {
    const path = await makeFile()
    const answer: Answer = () => ({ kind: 'value', value: 0 })
    const { handle, close } = await handleOn(path, answer, { kind: 'block device' })
    await handle.zero(4000, 100, { mayTrim: true })
    expect(await readFile(path)).toEqual(expected(4000, 4100))
    await expectCode(handle.zero(4000, 100, { fast: true }), 'NOT_SUPPORTED')
    await close()
  })
})

describe('a long zero', () => {
  it('goes in pieces, and stops between two when it is cancelled', async () => {
    const path = await makeFile()
    const controller = new AbortController()
    const lengths: number[] = []
    const { handle, close } = await handleOn(path, (request) => {
      if (request.kind === 'allocate') lengths.push(request.length)
      if (lengths.length === 2) controller.abort()
      return { kind: 'value', value: 0 }
    })
    const zeroing = handle.zero(0, 40 * 1024 ** 3, { mayTrim: true, signal: controller.signal })
    await expectCode(zeroing, 'ABORTED')
    expect(lengths).toEqual([16 * 1024 ** 3, 16 * 1024 ** 3])
    await close()
  })
})

describe.runIf(process.platform === 'linux')('flushing', () => {
  it('stays failed once it has failed, though the next fdatasync would succeed', async () => {
    const path = await makeFile()
    const { handle, close } = await handleOn(path, () => refuse(EOPNOTSUPP))
    // fdatasync refuses a character device.
    const unsyncable = openSync('/dev/null', constants.O_RDWR)
    const file = handle.file as { fd: number }
    const good = file.fd
    file.fd = unsyncable
    await expectCode(handle.sync(), 'IO_ERROR')
    file.fd = good
    await expectCode(handle.sync(), 'IO_ERROR')
    file.fd = unsyncable
    await handle.close()
    await close()
  })
})

describe('writing out early', () => {
  const MIB = 1024 * 1024

  it('is asked for every 32 MiB, once at a time, and waited for at the end', async () => {
    const answers: ((reply: HoleReply) => void)[] = []
    const answer = () => new Promise<HoleReply>((resolve) => answers.push(resolve))
    const path = await makeFile()
    const fd = openSync(path, 'r+')
    const { handle, close } = await handleOn(path, answer, { fd, writesOut: true })
    for (let i = 0; i < 31; i++) handle.noteWritten(MIB)
    expect(answers).toHaveLength(0)
    handle.noteWritten(MIB)
    for (let i = 0; i < 100; i++) handle.noteWritten(MIB)
    expect(answers).toHaveLength(1)
    let isClosed = false
    const closing = handle.close().then(() => {
      isClosed = true
    })
    await new Promise(setImmediate)
    expect(isClosed).toBe(false)
    answers[0]?.({ kind: 'unavailable', why: 'no such call' })
    await closing
    await close()
  })

  it('is not asked for where nobody said that a flush follows', async () => {
    const asked: unknown[] = []
    const { handle, close } = await handleOn(await makeFile(), (request) => {
      asked.push(request)
      return { kind: 'value', value: 0 }
    })
    handle.noteWritten(100 * MIB)
    expect(asked).toEqual([])
    await close()
  })
})
