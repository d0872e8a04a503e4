// Sessions that are kept in overlay files: made from temporary ones, closed and opened again, with
// checkpoints. Driven by a page, over real files.

import { existsSync } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { JobInfo, SessionInfo } from '../bridge/model'
import { randomBytes } from '../engine/testing/overlay-setup'
import { WatchedWorkspace } from './page.test-helper'

const SIZE = 1024 * 1024
const BLOCK = 4096

let watched: WatchedWorkspace
let image = ''
let overlayFile = ''
let original: Uint8Array = new Uint8Array(0)
beforeEach(async () => {
  watched = await WatchedWorkspace.create()
  image = join(watched.dir, 'disk.img')
  overlayFile = join(watched.dir, 'disk.overlay')
  original = randomBytes(SIZE, 4)
  await writeFile(image, original)
})
afterEach(() => watched.close())

const isOver = (kind: JobInfo['kind']) => (job: JobInfo) =>
  job.kind === kind && job.state !== 'running'

const write = (session: string, offset: number, text: string) =>
  watched.page.request('stage.write', { session, offset }, { bytes: Buffer.from(text) })

async function read(session: string, offset: number, length: number): Promise<string> {
  const { bytes } = await watched.page.request('bytes.read', { session, offset, length })
  return Buffer.from(bytes!).toString('latin1')
}

const info = async (session: string): Promise<SessionInfo> =>
  (await watched.page.request('session.info', { session })).value

const stagedOf = async (session: string) => {
  const { value } = await watched.page.request('stage.list', { session, first: 0, count: 100 })
  return value.rows.map(({ offset, length, state }) => ({ offset, length, state }))
}

async function keep(session: string, path = overlayFile): Promise<JobInfo> {
  const over = watched.next('job.changed', isOver('keep'))
  await watched.page.request('overlay.keep', { session, path })
  return await over
}

/** With bytes at block 2 and zeroes over blocks 8 and 9. */
async function openStaged(): Promise<string> {
  const { id } = await watched.open(image, BLOCK)
  await write(id, 2 * BLOCK + 5, 'staged')
  await watched.page.request('stage.zero', { session: id, offset: 8 * BLOCK, length: 2 * BLOCK })
  return id
}

const STAGED = [
  { offset: 2 * BLOCK, length: BLOCK, state: 'written' },
  { offset: 8 * BLOCK, length: 2 * BLOCK, state: 'zeroed' },
]

describe('what is staged, kept in a file', () => {
  it('is the same, in the same session, and still there after closing and opening the file', async () => {
    const id = await openStaged()
    expect((await info(id)).lasting).toBeUndefined()
    expect(await keep(id)).toMatchObject({ state: 'done', file: overlayFile, total: 3 * BLOCK })
    expect((await info(id)).lasting).toMatchObject({
      path: overlayFile,
      name: 'disk.overlay',
      version: 2,
      unsaved: false,
      checkpoints: [],
    })
    expect(await stagedOf(id)).toEqual(STAGED)
    await write(id, 100, 'later')
    expect((await info(id)).lasting).toMatchObject({ unsaved: true })
    await watched.page.request('overlay.save', { session: id })
    expect((await info(id)).lasting).toMatchObject({ unsaved: false })

    await watched.page.request('session.close', { session: id })
    const again = await watched.open(overlayFile)
    expect(again.image).toMatchObject({ locator: image, name: 'disk.img', format: 'raw' })
    expect(again.blockSize).toBe(BLOCK)
    expect(await stagedOf(again.id)).toEqual([
      { offset: 0, length: BLOCK, state: 'written' },
      ...STAGED,
    ])
    expect(await read(again.id, 2 * BLOCK + 5, 6)).toBe('staged')
    expect(await read(again.id, 100, 5)).toBe('later')
    expect((await readFile(image)).equals(original)).toBe(true)
    expect(watched.workspace.recent[0]).toMatchObject({ locator: overlayFile })
  })

  it('is made stable by itself a moment after it was staged', async () => {
    const id = await openStaged()
    await keep(id)
    const saved = watched.next('session.changed', (session) => session.lasting?.unsaved === false)
    const unsaved = watched.next('session.changed', (session) => session.lasting?.unsaved === true)
    await write(id, 0, 'x')
    await unsaved
    await saved
  })

  it('does not take the place of a file, and leaves none behind that it could not finish', async () => {
    const id = await openStaged()
    await writeFile(overlayFile, 'mine')
    const kept = watched.page.request('overlay.keep', { session: id, path: overlayFile })
    await expect(kept).rejects.toMatchObject({ code: 'ALREADY_EXISTS' })
    expect(await readFile(overlayFile, 'utf8')).toBe('mine')
    const nowhere = join(watched.dir, 'none', 'disk.overlay')
    const lost = watched.page.request('overlay.keep', { session: id, path: nowhere })
    await expect(lost).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect((await readdir(watched.dir)).sort()).toEqual(['config', 'disk.img', 'disk.overlay'])
    expect(await stagedOf(id)).toEqual(STAGED)
  })

  it('is not kept under a name that would not be opened as an overlay again', async () => {
    const id = await openStaged()
    const path = join(watched.dir, 'disk.img2')
    const kept = watched.page.request('overlay.keep', { session: id, path })
    await expect(kept).rejects.toMatchObject({ code: 'BAD_REQUEST' })
    expect(existsSync(path)).toBe(false)
  })

  it('is not kept while clients write to the overlay that would go', async () => {
    const id = await openStaged()
    await watched.serve(id)
    const kept = watched.page.request('overlay.keep', { session: id, path: overlayFile })
    await expect(kept).rejects.toMatchObject({ code: 'BUSY' })
    expect(existsSync(overlayFile)).toBe(false)
  })

  it('stays as it was when the carrying is cancelled', async () => {
    const id = await openStaged()
    const over = watched.next('job.changed', isOver('keep'))
    const { value } = await watched.page.request('overlay.keep', { session: id, path: overlayFile })
    watched.workspace.jobs.cancel(value.job)
    expect(await over).toMatchObject({ state: 'cancelled' })
    expect((await readdir(watched.dir)).sort()).toEqual(['config', 'disk.img'])
    expect(await stagedOf(id)).toEqual(STAGED)
    expect((await info(id)).lasting).toBeUndefined()
    await write(id, 0, 'goes on')
  })

  it('is opened by one session at a time', async () => {
    const id = await openStaged()
    await keep(id)
    const twice = watched.page.request('session.open', { locator: overlayFile })
    await expect(twice).rejects.toMatchObject({ code: 'IN_USE' })
  })

  it('is not opened over a base that changed, unless that is accepted', async () => {
    const id = await openStaged()
    await keep(id)
    await watched.page.request('session.close', { session: id })
    await writeFile(image, randomBytes(SIZE, 5))
    const opened = watched.page.request('session.open', { locator: overlayFile })
    await expect(opened).rejects.toMatchObject({ code: 'BASE_CHANGED' })
    const params = { locator: overlayFile, acceptBase: true }
    const { value } = await watched.page.request('session.open', params)
    expect(await read(value.id, 2 * BLOCK + 5, 6)).toBe('staged')
  })

  it('is not saved over its own files', async () => {
    const id = await openStaged()
    await keep(id)
    for (const path of [overlayFile, `${overlayFile}.image`]) {
      const saved = watched.page.request('save.start', { session: id, path, replace: true })
      await expect(saved).rejects.toMatchObject({ code: 'BAD_REQUEST' })
    }
  })
})

describe('checkpoints of a session', () => {
  it('are made, gone back to and merged without closing it', async () => {
    const id = await openStaged()
    await keep(id)
    const { value } = await watched.page.request('checkpoint.make', { session: id, name: 'one' })
    expect(value.name).toBe('one')
    expect(await stagedOf(id)).toEqual([])
    expect((await info(id)).lasting?.checkpoints).toMatchObject([{ name: 'one', bytes: 3 * BLOCK }])
    expect(await read(id, 2 * BLOCK + 5, 6)).toBe('staged')

    await write(id, 2 * BLOCK + 5, 'wrong!')
    expect((await watched.page.request('checkpoint.back', { session: id })).value.name).toBe('one')
    expect(await read(id, 2 * BLOCK + 5, 6)).toBe('staged')
    expect(await stagedOf(id)).toEqual(STAGED)

    await watched.page.request('checkpoint.make', { session: id })
    await write(id, 0, 'more')
    const merged = watched.next('job.changed', isOver('merge'))
    await watched.page.request('checkpoint.merge', { session: id })
    expect(await merged).toMatchObject({ state: 'done' })
    expect(await stagedOf(id)).toEqual([{ offset: 0, length: BLOCK, state: 'written' }, ...STAGED])
    expect((await info(id)).lasting?.checkpoints).toEqual([])
    expect((await readdir(watched.dir)).filter((name) => name.startsWith('disk')).sort()).toEqual([
      'disk.img',
      'disk.overlay',
      'disk.overlay.image',
    ])
  })

  it('need a file, and nobody who is served', async () => {
    const id = await openStaged()
    const make = () => watched.page.request('checkpoint.make', { session: id })
    await expect(make()).rejects.toMatchObject({ code: 'BAD_REQUEST' })
    await keep(id)
    await watched.serve(id)
    await expect(make()).rejects.toMatchObject({ code: 'BUSY' })
    const back = watched.page.request('checkpoint.back', { session: id })
    await expect(back).rejects.toMatchObject({ code: 'BUSY' })
    expect(await stagedOf(id)).toEqual(STAGED)
  })

  it('leave the session as it was when there is none to go back to', async () => {
    const id = await openStaged()
    await keep(id)
    const back = watched.page.request('checkpoint.back', { session: id })
    await expect(back).rejects.toMatchObject({ code: 'BAD_REQUEST' })
    expect(await stagedOf(id)).toEqual(STAGED)
    await write(id, 0, 'goes on')
    expect(await read(id, 0, 7)).toBe('goes on')
  })
})
