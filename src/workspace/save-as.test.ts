// Save as…: the session's view as a file of its own, as a job.

import { existsSync } from 'node:fs'
import { readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { randomBytes } from '../engine/testing/overlay-setup'
import { WatchedWorkspace } from './page.test-helper'
import { saveAs } from './save-as'

const SIZE = 1024 * 1024

let watched: WatchedWorkspace
let image = ''
let bytes: Uint8Array = new Uint8Array(0)
beforeEach(async () => {
  watched = await WatchedWorkspace.create()
  image = join(watched.dir, 'disk.img')
  bytes = randomBytes(SIZE, 4)
  await writeFile(image, bytes)
})
afterEach(() => watched.close())

async function open(): Promise<Parameters<typeof saveAs>[0]> {
  const { id } = await watched.open(image)
  const staged = { session: id, offset: 70_000 }
  await watched.page.request('stage.write', staged, { bytes: Buffer.from('staged') })
  return watched.workspace.session(id)
}

async function save(session: Parameters<typeof saveAs>[0], path: string, replace?: boolean) {
  const over = watched.next('job.changed', (job) => job.kind === 'copy' && job.state !== 'running')
  const job = await saveAs(session, watched.workspace.jobs, { path, replace })
  return { job, over }
}

describe('a session saved as a file', () => {
  it('is the image with what is staged, which stays staged', async () => {
    const session = await open()
    const path = join(watched.dir, 'saved.img')
    const { job, over } = await save(session, path)
    expect(job).toMatchObject({ kind: 'copy', title: 'Saving disk.img as saved.img', total: SIZE })
    expect(await over).toMatchObject({ state: 'done', summary: `${path}: 1 MiB saved` })
    const expected = Buffer.from(bytes)
    expected.write('staged', 70_000)
    expect((await readFile(path)).equals(expected)).toBe(true)
    expect((await readFile(image)).equals(bytes)).toBe(true)
    expect(session.info().stagedRuns).toBe(1)
  })

  it('does not replace a file that nobody was asked about', async () => {
    const session = await open()
    const path = join(watched.dir, 'there.img')
    await writeFile(path, 'old')
    await expect(save(session, path)).rejects.toMatchObject({ code: 'ALREADY_EXISTS' })
    expect(await readFile(path, 'utf8')).toBe('old')
    const { over } = await save(session, path, true)
    expect(await over).toMatchObject({ state: 'done' })
  })

  it('is never the image itself', async () => {
    const session = await open()
    const alias = join(watched.dir, 'alias.img')
    await symlink(image, alias)
    for (const path of [image, alias]) {
      await expect(save(session, path, true)).rejects.toMatchObject({ code: 'BAD_REQUEST' })
    }
    expect((await readFile(image)).equals(bytes)).toBe(true)
  })

  it('leaves nothing behind when it is cancelled', async () => {
    const session = await open()
    const path = join(watched.dir, 'cancelled.img')
    const { job, over } = await save(session, path)
    watched.workspace.jobs.cancel(job.id)
    expect(await over).toMatchObject({ state: 'cancelled' })
    expect(existsSync(path)).toBe(false)
    expect((await readdir(watched.dir)).filter((name) => name.includes('partial'))).toEqual([])
  })

  it('is not cut off by closing the session', async () => {
    const session = await open()
    await watched.page.request('stage.discard', { session: session.id })
    const { over } = await save(session, join(watched.dir, 'saved.img'))
    const close = () => watched.page.request('session.close', { session: session.id })
    await expect(close()).rejects.toMatchObject({ code: 'BUSY' })
    expect(await over).toMatchObject({ state: 'done' })
    await close()
  })

  it('is not begun twice at the same place at a time', async () => {
    const session = await open()
    const path = join(watched.dir, 'twice.img')
    const { over } = await save(session, path)
    await expect(save(session, path)).rejects.toMatchObject({ code: 'IN_USE' })
    expect(await over).toMatchObject({ state: 'done' })
  })
})
