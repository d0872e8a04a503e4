// Undoing commits from the window: of temporary overlays, of lasting ones, and of commits that were cut short.

import { readdir, readFile, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { RequestName } from '../bridge/contract'
import type { JobInfo, SessionInfo } from '../bridge/model'
import { Prng } from '../engine/base/prng'
import { NodeFileSpace } from '../engine/io/file-space'
import { commitLasting } from './commit-lasting'
import { openLastingOverlay } from './lasting-overlay'
import { createLastingOverlay } from './lasting-overlay-create'
import { WatchedWorkspace } from './page.test-helper'

const BLOCK = 4096
const SIZE = 64 * BLOCK

let watched: WatchedWorkspace
let image = ''
let before: Buffer
beforeEach(async () => {
  watched = await WatchedWorkspace.create()
  image = join(watched.dir, 'disk.img')
  before = Buffer.from(new Prng(1).fill(new Uint8Array(SIZE)))
  await writeFile(image, before)
})
afterEach(() => watched.close())

/** Asks for a job and waits for its end. */
async function job<N extends RequestName>(name: N, params: object): Promise<JobInfo> {
  const ended = watched.next('job.changed', ({ kind, state }) => {
    return kind === 'commit' && state !== 'running'
  })
  await watched.page.request(name, params as never)
  return ended
}

/** Opens it and waits until all of it is mapped. */
async function open(locator: string): Promise<SessionInfo> {
  if (locator === image) return watched.open(locator, BLOCK)
  const mapped = watched.next('job.changed', ({ kind, state }) => {
    return kind === 'survey' && state !== 'running'
  })
  const asked = { locator, format: 'add-cow' }
  const { value } = await watched.page.request('session.open', asked)
  await mapped
  return value
}

async function stage(locator = image): Promise<string> {
  const { id: session } = await open(locator)
  await watched.page.request('stage.write', { session, offset: BLOCK + 7 }, { bytes: NEW })
  await watched.page.request('stage.zero', { session, offset: 9 * BLOCK, length: 3 * BLOCK })
  return session
}

const NEW = new Uint8Array(700).fill(0x5a)

function committed(): Buffer {
  const after = Buffer.from(before)
  after.set(NEW, BLOCK + 7)
  after.fill(0, 9 * BLOCK, 12 * BLOCK)
  return after
}

const info = async (session: string) =>
  (await watched.page.request('session.info', { session })).value

const undoFiles = async () => {
  const names = await readdir(join(watched.dir, 'config', 'undo'))
  return names.filter((name) => name.endsWith('.undo'))
}

describe('the last commit of a session', () => {
  it('is undone and brought back, and what is staged meanwhile stays staged', async () => {
    const session = await stage()
    expect(await job('commit.start', { session, verify: true, undo: {} })).toMatchObject({
      state: 'done',
    })
    expect((await readFile(image)).equals(committed())).toBe(true)
    const { undo } = await info(session)
    expect(undo).toMatchObject({ bytes: 4 * BLOCK, isRedo: false, shrinksBy: 0 })
    await watched.page.request('stage.write', { session, offset: 30 * BLOCK }, { bytes: NEW })
    const { value: review } = await watched.page.request('undo.review', { session })
    expect(review).toMatchObject({ target: image, bytes: 4 * BLOCK, warnings: [] })
    expect(review.refusal).toBe(undefined)
    expect(await job('undo.start', { session })).toMatchObject({ state: 'done' })
    expect((await readFile(image)).equals(before)).toBe(true)
    const undone = await info(session)
    expect(undone).toMatchObject({ stagedRuns: 1, undo: { isRedo: true } })
    const { bytes } = await watched.page.request('bytes.read', { session, offset: 0, length: SIZE })
    const seen = Buffer.from(before)
    seen.set(NEW, 30 * BLOCK)
    expect(Buffer.from(bytes ?? []).equals(seen)).toBe(true)
    expect(await undoFiles()).toHaveLength(1)
    expect(await job('undo.start', { session })).toMatchObject({ state: 'done' })
    expect((await readFile(image)).equals(committed())).toBe(true)
    expect((await info(session)).undo).toMatchObject({ isRedo: false })
  })

  it('can be undone when it keeps what it overwrites in a file that was named', async () => {
    const session = await stage()
    const path = join(watched.dir, 'mine.undo')
    await job('commit.start', { session, verify: false, undo: { path } })
    expect((await info(session)).undo).toMatchObject({ path })
    await job('undo.start', { session })
    expect((await readFile(image)).equals(before)).toBe(true)
    // A person's file stays.
    expect((await readFile(path)).length).toBeGreaterThan(0)
  })

  it('cannot be undone when nothing was kept, nor when it is taken already', async () => {
    const session = await stage()
    const path = join(watched.dir, 'mine.undo')
    await writeFile(path, 'mine')
    const taken = await job('commit.start', { session, verify: true, undo: { path } })
    expect(taken).toMatchObject({ state: 'failed', error: { code: 'ALREADY_EXISTS' } })
    expect((await info(session)).undo).toBe(undefined)
    expect((await readFile(image)).equals(before)).toBe(true)
    await job('commit.start', { session, verify: true })
    const none = { code: 'NOT_FOUND', message: expect.stringMatching(/no commit to undo/) }
    await expect(watched.page.request('undo.review', { session })).rejects.toMatchObject(none)
    await expect(watched.page.request('undo.start', { session })).rejects.toMatchObject(none)
  })

  it('is not undone over what somebody else wrote since', async () => {
    const session = await stage()
    await job('commit.start', { session, verify: true, undo: {} })
    await utimes(image, new Date(), new Date(Date.now() + 5000))
    const { value: review } = await watched.page.request('undo.review', { session })
    expect(review.refusal).toMatchObject({ code: 'TARGET_CHANGED' })
    await expect(watched.page.request('undo.start', { session })).rejects.toMatchObject({
      code: 'TARGET_CHANGED',
    })
    expect((await readFile(image)).equals(committed())).toBe(true)
  })
})

describe('a session that is kept in a file', () => {
  const path = () => join(watched.dir, 'staged.acow')
  const space = () => new NodeFileSpace()
  const create = (size?: number) =>
    createLastingOverlay(space(), {
      path: path(),
      basePath: image,
      version: 2,
      blockSize: BLOCK,
      format: 'raw',
      size,
    })

  it('is committed and undone, and opens again without a question', async () => {
    await create()
    const session = await stage(path())
    await job('commit.start', { session, verify: true, undo: {} })
    expect((await readFile(image)).equals(committed())).toBe(true)
    expect(await job('undo.start', { session })).toMatchObject({ state: 'done' })
    expect((await readFile(image)).equals(before)).toBe(true)
    await watched.page.request('session.close', { session })
    const again = await open(path())
    expect([again.stagedRuns, again.recover]).toEqual([0, undefined])
  })

  it('makes a shorter image longer, and shorter again when that is undone', async () => {
    await create(SIZE + 3 * BLOCK)
    const session = await stage(path())
    const { value: review } = await watched.page.request('commit.review', { session })
    expect(review.growsBy).toBe(3 * BLOCK)
    await job('commit.start', { session, verify: true, undo: {} })
    const after = Buffer.alloc(SIZE + 3 * BLOCK)
    after.set(committed())
    expect((await readFile(image)).equals(after)).toBe(true)
    expect((await info(session)).undo).toMatchObject({ shrinksBy: 3 * BLOCK })
    await job('undo.start', { session })
    expect((await readFile(image)).equals(before)).toBe(true)
    await job('undo.start', { session })
    expect((await readFile(image)).equals(after)).toBe(true)
  })

  /** As a program leaves it that dies in the middle of a commit. */
  async function cutShort(undoPath?: string): Promise<void> {
    await create()
    const lasting = await openLastingOverlay(space(), path(), { writable: true })
    await lasting.overlay.write(NEW, BLOCK + 7)
    await lasting.overlay.zero(9 * BLOCK, 3 * BLOCK)
    const dying = space()
    const open = dying.open.bind(dying)
    dying.open = async (name, how) => {
      const disk = await open(name, how)
      if (name === image && how.writable) disk.zero = () => Promise.reject(new Error('dead'))
      return disk
    }
    const commit = commitLasting(dying, lasting, { verify: false, undoPath })
    await expect(commit).rejects.toThrow('dead')
    await lasting.close()
    expect((await readFile(image)).equals(before)).toBe(false)
  }

  it('tells of a commit that was cut short, and finishes it', async () => {
    await cutShort()
    const { id: session, recover } = await open(path())
    expect(recover).toEqual({ kind: 'committing', bytes: 4 * BLOCK })
    const interrupted = { code: 'COMMIT_INTERRUPTED' }
    const { value: review } = await watched.page.request('commit.review', { session })
    expect(review.refusal).toMatchObject(interrupted)
    await expect(
      watched.page.request('commit.start', { session, verify: true }),
    ).rejects.toMatchObject(interrupted)
    await expect(watched.page.request('stage.discard', { session })).rejects.toMatchObject(
      interrupted,
    )
    const undo = await job('recover.undo', { session })
    expect(undo).toMatchObject({ state: 'failed', error: { code: 'NOT_FOUND' } })
    expect(await job('recover.finish', { session, verify: true })).toMatchObject({ state: 'done' })
    expect((await readFile(image)).equals(committed())).toBe(true)
    expect(await info(session)).toMatchObject({ stagedRuns: 0 })
    expect((await info(session)).recover).toBe(undefined)
    await expect(
      watched.page.request('recover.finish', { session, verify: true }),
    ).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  it('undoes a commit that was cut short, and all is staged still', async () => {
    const undoPath = join(watched.dir, 'undo')
    await cutShort(undoPath)
    const { id: session, recover } = await open(path())
    expect(recover).toMatchObject({ kind: 'committing', undo: undoPath })
    expect(await job('recover.undo', { session })).toMatchObject({ state: 'done' })
    expect((await readFile(image)).equals(before)).toBe(true)
    expect(await info(session)).toMatchObject({ stagedRuns: 2 })
    expect((await info(session)).recover).toBe(undefined)
    expect(await job('commit.start', { session, verify: true })).toMatchObject({ state: 'done' })
    expect((await readFile(image)).equals(committed())).toBe(true)
  })
})
