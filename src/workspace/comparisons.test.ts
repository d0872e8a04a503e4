import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { randomBytes } from '../engine/testing/overlay-setup'
import { WatchedWorkspace } from './page.test-helper'

const SIZE = 1024 * 1024

let watched: WatchedWorkspace
let session = ''
let other = ''
beforeEach(async () => {
  watched = await WatchedWorkspace.create()
  const image = join(watched.dir, 'disk.img')
  other = join(watched.dir, 'other.img')
  const bytes = randomBytes(SIZE, 4)
  await writeFile(image, bytes)
  await writeFile(other, bytes)
  session = (await watched.open(image)).id
})
afterEach(() => watched.close())

async function compare(locator: string) {
  const over = watched.next(
    'job.changed',
    (job) => job.kind === 'compare' && job.state !== 'running',
  )
  const { value } = await watched.page.request('compare.start', { session, locator })
  const { summary, state } = await over
  const asked = { job: value.job, first: 0, count: 10 }
  return { summary, state, found: (await watched.page.request('compare.rows', asked)).value }
}

it('finds nothing between a session and an equal image', async () => {
  expect(await compare(other)).toEqual({
    state: 'done',
    summary: 'disk.img and other.img are the same',
    found: { total: 0, bytes: 0, kept: 0, rows: [] },
  })
})

it('finds what is staged, to the byte', async () => {
  const { bytes } = await watched.page.request('bytes.read', { session, offset: 5000, length: 4 })
  const changed = bytes!.map((byte) => byte ^ 0xff)
  await watched.page.request('stage.write', { session, offset: 5000 }, { bytes: changed })
  const { summary, found } = await compare(other)
  expect(summary).toBe('disk.img and other.img differ in 1 range, 4 B')
  expect(found).toEqual({ total: 1, bytes: 4, kept: 1, rows: [{ offset: 5000, length: 4 }] })
})

it('tells a session from the image that it is over', async () => {
  const { summary } = await compare(join(watched.dir, 'disk.img'))
  expect(summary).toBe('the session of disk.img and disk.img are the same')
})

it('says that the sizes differ', async () => {
  await writeFile(other, randomBytes(SIZE, 4).subarray(0, SIZE - 512))
  const { summary } = await compare(other)
  expect(summary).toMatch(/differ in \d+ ranges, \d+ B; /)
  expect(summary).toContain('the sizes differ: 1,048,576 and 1,048,064 bytes')
})

it('refuses what cannot be opened, and forgets what is old', async () => {
  const nowhere = { session, locator: join(watched.dir, 'none.img') }
  await expect(watched.page.request('compare.start', nowhere)).rejects.toMatchObject({
    code: 'NOT_FOUND',
  })
  const unknown = watched.page.request('compare.rows', { job: 'job-99', first: 0, count: 1 })
  await expect(unknown).rejects.toMatchObject({ code: 'NO_JOB' })
})
