// The application core through the same door as a page: requests over a channel, against real files.

import { mkdtemp, open, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { EventName, Events } from '../bridge/contract'
import { decodeCells } from '../bridge/frames'
import { MemoryChannel } from '../bridge/memory-channel'
import type { JobInfo, SessionInfo } from '../bridge/model'
import { RpcClient } from '../bridge/rpc-client'
import { answerPage } from './answer-page'
import { Workspace } from './workspace'

const BLOCK = 64 * 1024
const SIZE = 1024 * 1024

let dir: string
let path: string
let workspace: Workspace
let page: RpcClient

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'platter-workspace-'))
  path = join(dir, 'disk.img')
  // Data, then a hole of half the disk, then data at the very end.
  const file = await open(path, 'w')
  await file.write(new Uint8Array(4 * BLOCK).fill(0x11), 0, 4 * BLOCK, 0)
  await file.write(new Uint8Array(BLOCK).fill(0x22), 0, BLOCK, SIZE - BLOCK)
  await file.close()
  workspace = await Workspace.create({ version: 'test', configDir: join(dir, 'config') })
  page = attachPage()
})

afterEach(async () => {
  await workspace.close()
  await rm(dir, { recursive: true, force: true })
})

function attachPage(): RpcClient {
  const [host, client] = MemoryChannel.pair()
  answerPage(workspace, host, { host: 'browser' })
  return new RpcClient({ channel: client })
}

function nextEvent<E extends EventName>(
  name: E,
  wanted: (data: Events[E]) => boolean,
): Promise<Events[E]> {
  return new Promise((resolve) => {
    const stop = page.on(name, (data) => {
      if (!wanted(data)) return
      stop()
      resolve(data)
    })
  })
}

async function openImage(): Promise<SessionInfo> {
  return (await page.request('session.open', { locator: path })).value
}

const write = (session: string, offset: number, bytes: Uint8Array) =>
  page.request('stage.write', { session, offset }, { bytes })

const stagedIs = (bytes: number) => (info: SessionInfo) =>
  info.totals.written + info.totals.zeroed === bytes

async function commit(session: string, verify = true): Promise<JobInfo> {
  const ended = nextEvent('job.changed', (job) => job.kind === 'commit' && job.state !== 'running')
  await page.request('commit.start', { session, verify })
  return await ended
}

describe('a session', () => {
  it('shows what the file holds, to the byte', async () => {
    const { totals, surveyed } = await openImage()
    expect(surveyed).toBe(1)
    expect(totals).toEqual({
      data: 5 * BLOCK,
      zero: 0,
      hole: SIZE - 5 * BLOCK,
      unknown: 0,
      written: 0,
      zeroed: 0,
    })
  })

  it('reads the bytes of the file', async () => {
    const { id } = await openImage()
    const { bytes } = await page.request('bytes.read', { session: id, offset: SIZE - 2, length: 2 })
    expect([...bytes!]).toEqual([0x22, 0x22])
  })

  it('stages a write and leaves the file alone', async () => {
    const before = await readFile(path)
    const { id } = await openImage()
    const changed = nextEvent('session.changed', stagedIs(BLOCK))
    await write(id, 6 * BLOCK + 100, new Uint8Array([1, 2, 3]))
    const { totals } = await changed
    // The block that took the write is data now, where there was a hole.
    expect(totals.data).toBe(6 * BLOCK)
    expect(totals.written).toBe(BLOCK)
    const read = await page.request('bytes.read', {
      session: id,
      offset: 6 * BLOCK + 99,
      length: 5,
    })
    expect([...read.bytes!]).toEqual([0, 1, 2, 3, 0])
    expect((await readFile(path)).equals(before)).toBe(true)
  })

  it('lists what is staged, who staged it, and how it differs', async () => {
    const { id } = await openImage()
    await write(id, 10, new Uint8Array([0xaa, 0xbb]))
    const { value: list } = await page.request('stage.list', { session: id, first: 0, count: 10 })
    expect(list).toMatchObject({
      total: 1,
      bytes: BLOCK,
      rows: [{ offset: 0, length: BLOCK, state: 'written', origin: 'you' }],
    })
    const { value: preview } = await page.request('stage.preview', {
      session: id,
      offset: 0,
      length: BLOCK,
    })
    expect(preview).toMatchObject({ firstDifference: 10, differing: 2, compared: BLOCK })
    expect(preview.before.slice(0, 5)).toBe('11 11')
    expect(preview.after.slice(0, 5)).toBe('aa bb')
  })

  it('forgets one staged range and keeps the other', async () => {
    const { id } = await openImage()
    await write(id, 0, new Uint8Array([9]))
    await write(id, 8 * BLOCK, new Uint8Array([9]))
    const changed = nextEvent('session.changed', stagedIs(BLOCK))
    const { value } = await page.request('stage.discard', {
      session: id,
      ranges: [{ offset: 0, length: 1 }],
    })
    expect(value.bytes).toBe(BLOCK)
    await changed
    const { bytes } = await page.request('bytes.read', { session: id, offset: 0, length: 1 })
    expect([...bytes!]).toEqual([0x11])
    const { value: list } = await page.request('stage.list', { session: id, first: 0, count: 10 })
    expect(list.rows.map((row) => row.offset)).toEqual([8 * BLOCK])
  })

  it('streams the cells of a view, and again after a write', async () => {
    const { id } = await openImage()
    const frames: number[][] = []
    let arrived: () => void = () => undefined
    const params = { session: id, cellBytes: BLOCK, firstCell: 0, cellCount: 16 }
    const stream = page.openStream('map.cells', params, {
      onFrame: (frame, bytes) => {
        frames.push([...decodeCells(bytes, frame.cellBytes).written])
        arrived()
      },
      onEnd: () => undefined,
    })
    await until(() => frames.length === 1)
    await write(id, 3 * BLOCK, new Uint8Array(10))
    await until(() => (frames.at(-1)?.[3] ?? 0) > 0)
    expect(frames[0]).toEqual(new Array(16).fill(0))
    expect(frames.at(-1)).toEqual([0, 0, 0, BLOCK, ...new Array(12).fill(0)])
    stream.close()

    async function until(done: () => boolean): Promise<void> {
      while (!done()) {
        await new Promise<void>((resolve) => {
          arrived = resolve
        })
      }
    }
  })

  it('survives its page: the next one finds it as it was', async () => {
    const { id } = await openImage()
    await write(id, 0, new Uint8Array([7]))
    const second = attachPage()
    const { value: hello } = await second.request('host.hello', {})
    expect(hello.sessions.map((session) => session.id)).toEqual([id])
    expect(hello.sessions[0]!.stagedRuns).toBe(1)
  })

  it('is not closed over staged writes, unless that was said', async () => {
    const { id } = await openImage()
    await write(id, 0, new Uint8Array([7]))
    await expect(page.request('session.close', { session: id })).rejects.toMatchObject({
      code: 'STAGED_CHANGES',
    })
    await page.request('session.close', { session: id, discard: true })
    expect((await page.request('host.hello', {})).value.sessions).toEqual([])
  })

  it('remembers what was opened, latest first and once', async () => {
    await openImage()
    await openImage()
    const { value: hello } = await page.request('host.hello', {})
    expect(hello.recent.map((image) => image.locator)).toEqual([path])
  })
})

describe('a commit', () => {
  it('writes just what was staged, and says so', async () => {
    const expected = await readFile(path)
    expected.set([1, 2, 3], 100)
    expected.fill(0, 2 * BLOCK, 3 * BLOCK)
    const { id } = await openImage()
    await write(id, 100, new Uint8Array([1, 2, 3]))
    await page.request('stage.zero', { session: id, offset: 2 * BLOCK, length: BLOCK })
    const { value: review } = await page.request('commit.review', { session: id })
    expect(review).toMatchObject({
      target: path,
      ranges: 2,
      bytes: 2 * BLOCK,
      writtenBytes: BLOCK,
      zeroedBytes: BLOCK,
      warnings: [],
    })
    const job = await commit(id)
    expect(job).toMatchObject({ state: 'done', summary: expect.stringContaining('read back') })
    expect((await readFile(path)).equals(expected)).toBe(true)
    const { value: after } = await page.request('session.info', { session: id })
    expect(after).toMatchObject({ stagedRuns: 0, totals: { written: 0, zeroed: 0, unknown: 0 } })
  })

  it('can be followed by another', async () => {
    const { id } = await openImage()
    await write(id, 0, new Uint8Array([1]))
    await commit(id)
    await write(id, 1, new Uint8Array([2]))
    expect(await commit(id)).toMatchObject({ state: 'done' })
    expect([...(await readFile(path)).subarray(0, 3)]).toEqual([1, 2, 0x11])
  })

  it('carries only the ranges that were chosen', async () => {
    const { id } = await openImage()
    await write(id, 0, new Uint8Array([1]))
    await write(id, 2 * BLOCK, new Uint8Array([1]))
    const ended = nextEvent('job.changed', (job) => job.kind === 'commit' && job.state === 'done')
    await page.request('commit.start', {
      session: id,
      verify: true,
      ranges: [{ offset: 2 * BLOCK, length: BLOCK }],
    })
    await ended
    const content = await readFile(path)
    expect([content[0], content[2 * BLOCK]]).toEqual([0x11, 1])
    const { value: list } = await page.request('stage.list', { session: id, first: 0, count: 10 })
    expect(list.rows.map((row) => row.offset)).toEqual([0])
  })

  it('is refused with nothing staged', async () => {
    const { id } = await openImage()
    await expect(page.request('commit.start', { session: id, verify: true })).rejects.toMatchObject(
      { code: 'BAD_REQUEST' },
    )
  })

  it('is refused when something else wrote to the file', async () => {
    const { id } = await openImage()
    await write(id, 0, new Uint8Array([1]))
    await utimes(path, new Date(), new Date(Date.now() + 5000))
    const { value: review } = await page.request('commit.review', { session: id })
    expect(review.refusal).toMatchObject({ code: 'TARGET_CHANGED' })
    await expect(page.request('commit.start', { session: id, verify: true })).rejects.toMatchObject(
      { code: 'TARGET_CHANGED' },
    )
    expect((await readFile(path))[0]).toBe(0x11)
    const { value: info } = await page.request('session.info', { session: id })
    expect(info.totals.written).toBe(BLOCK)
  })
})

describe('what goes wrong with an image', () => {
  const refusal = (locator: string) => page.request('session.open', { locator })

  it('is said in one sentence with its code', async () => {
    await expect(refusal(join(dir, 'nothing.img'))).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(refusal(dir)).rejects.toMatchObject({ code: 'NOT_A_DISK' })
    await writeFile(join(dir, 'empty'), '')
    await expect(refusal(join(dir, 'empty'))).rejects.toMatchObject({ code: 'BAD_SIZE' })
    await expect(refusal('nbd://localhost:99999/')).rejects.toMatchObject({ code: 'BAD_URI' })
    await expect(refusal('nbd+unix:///?socket=/nonexistent/sock')).rejects.toMatchObject({
      code: 'NO_SERVER',
    })
  })

  it('leaves no session behind', async () => {
    await refusal(dir).catch(() => undefined)
    expect(workspace.sessions()).toEqual([])
  })

  it('refuses a format that it cannot read yet rather than show its container', async () => {
    const image = join(dir, 'disk.qcow2')
    const header = new Uint8Array(BLOCK)
    header.set([0x51, 0x46, 0x49, 0xfb, 0, 0, 0, 3])
    await writeFile(image, header)
    await expect(refusal(image)).rejects.toMatchObject({ code: 'FORMAT_UNSUPPORTED' })
    const forced = await page.request('session.open', { locator: image, format: 'raw' })
    expect(forced.value.image.size).toBe(BLOCK)
  })

  it('is lasting trouble when the file shrinks, with what is staged still there', async () => {
    const { id } = await openImage()
    await write(id, 0, new Uint8Array([1]))
    await truncate(path, 8 * BLOCK)
    const changed = nextEvent('session.changed', (info) => info.trouble !== undefined)
    await expect(
      page.request('bytes.read', { session: id, offset: SIZE - 100, length: 100 }),
    ).rejects.toMatchObject({ code: 'SIZE_CHANGED' })
    expect((await changed).trouble?.code).toBe('SIZE_CHANGED')
    const { bytes } = await page.request('bytes.read', { session: id, offset: 0, length: 1 })
    expect([...bytes!]).toEqual([1])
  })
})
