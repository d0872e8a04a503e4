// Commits that the target refuses: said in one sentence, with nothing changed and everything still staged.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, readFile, rename, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  isListening,
  isLockedByQemuNbd,
  PeerProcess,
  requirePeer,
} from '../engine/testing/peer-process'
import { WatchedWorkspace } from './page.test-helper'

const BLOCK = 64 * 1024

let watched: WatchedWorkspace
let image = ''
let nbdkit: PeerProcess | undefined
beforeEach(async () => {
  watched = await WatchedWorkspace.create()
  image = join(watched.dir, 'disk.img')
  await writeFile(image, new Uint8Array(4 * BLOCK).fill(1))
})
afterEach(async () => {
  await watched.close()
  // Behind its client: nbdkit waits for those that are connected.
  await nbdkit?.stop()
  nbdkit = undefined
})

/** Opens the image and stages one block of it. */
async function stage(locator = image): Promise<string> {
  const { id } = await watched.open(locator)
  await watched.page.request(
    'stage.write',
    { session: id, offset: 0 },
    { bytes: Buffer.from('new') },
  )
  return id
}

async function expectStillStaged(session: string): Promise<void> {
  const { value } = await watched.page.request('stage.list', { session, first: 0, count: 9 })
  expect(value.rows).toMatchObject([{ offset: 0, state: 'written', origin: 'you' }])
}

const review = async (session: string) =>
  (await watched.page.request('commit.review', { session })).value

const refusedAtReview: [string, () => Promise<unknown>, string, RegExp][] = [
  [
    'that was replaced',
    async () => {
      await writeFile(`${image}.new`, new Uint8Array(4 * BLOCK))
      await rename(`${image}.new`, image)
    },
    'TARGET_CHANGED',
    /disk\.img: another file has taken its place; nothing was changed/,
  ],
  [
    'that was taken away',
    () => rename(image, `${image}.away`),
    'TARGET_CHANGED',
    /disk\.img: the file is not there any more; nothing was changed/,
  ],
  [
    'whose size changed',
    () => truncate(image, BLOCK),
    'TARGET_CHANGED',
    /disk\.img: its size changed from 262144 to 65536 bytes; nothing was changed/,
  ],
]

describe('a commit to a file', () => {
  it.each(refusedAtReview)('%s is refused in the review', async (_name, change, code, why) => {
    const session = await stage()
    await change()
    const { refusal } = await review(session)
    expect(refusal).toMatchObject({ code, message: expect.stringMatching(why) })
    await expect(
      watched.page.request('commit.start', { session, verify: true }),
    ).rejects.toMatchObject({ code, message: expect.stringMatching(why) })
    await expectStillStaged(session)
  })

  it.runIf(process.platform === 'linux')('that is a running program fails', async () => {
    const program = join(watched.dir, 'program')
    await copyFile('/bin/sleep', program)
    const before = await readFile(program)
    const running = spawn(program, ['60'])
    await once(running, 'spawn')
    const session = await stage(program)
    // Nothing that can be asked beforehand tells; the opening for writing does.
    expect(await watched.commit(session)).toMatchObject({
      state: 'failed',
      error: { code: 'IN_USE', message: expect.stringMatching(/program: cannot open for writing/) },
    })
    await expectStillStaged(session)
    expect((await readFile(program)).equals(before)).toBe(true)
    running.kill('SIGKILL')
    await once(running, 'exit')
    expect(await watched.commit(session)).toMatchObject({ state: 'done' })
    expect((await readFile(program)).subarray(0, 3).toString()).toBe('new')
  })
})

describe.skipIf(!requirePeer('qemu-nbd') || process.platform !== 'linux')('an image', () => {
  it('that a machine writes is shown with a warning, and takes a commit when it is free', async () => {
    const socket = join(watched.dir, 'qemu')
    const args = ['-t', '-f', 'raw', '-k', socket, image]
    const machine = await PeerProcess.start('qemu-nbd', args, () => isLockedByQemuNbd(image))
    const who = `qemu-nbd (process ${machine.pid}) has it open for writing`
    try {
      const { id, image: info } = await watched.open(image)
      const note = `${who}: what is shown may be out of date`
      expect(info.notes).toContainEqual(expect.stringContaining(note))
      await watched.page.request('session.close', { session: id })
      const session = await stage()
      const why = `${image}: cannot be written: ${who}; nothing was changed`
      expect(await watched.commit(session)).toMatchObject({
        state: 'failed',
        error: { code: 'IN_USE', message: why },
      })
      await expectStillStaged(session)
      expect((await readFile(image)).every((byte) => byte === 1)).toBe(true)
      await machine.stop()
      expect(await watched.commit(session)).toMatchObject({ state: 'done' })
      expect((await readFile(image)).subarray(0, 4).toString()).toBe('new\x01')
    } finally {
      await machine.stop()
    }
  })
})

describe.skipIf(!requirePeer('nbdkit'))('a commit to a server', () => {
  async function start(...args: string[]): Promise<string> {
    const socket = join(watched.dir, 'nbdkit')
    const all = ['-f', '-U', socket, ...args]
    nbdkit = await PeerProcess.start('nbdkit', all, () => isListening(socket))
    return `nbd+unix:///?socket=${socket}`
  }

  it('that is read-only is refused in the review', async () => {
    const session = await stage(await start('-r', 'file', image))
    expect(await review(session)).toMatchObject({
      refusal: {
        code: 'NO_PERMISSION',
        message: expect.stringMatching(/cannot be written: the export is read-only; nothing was/),
      },
    })
    await expect(
      watched.page.request('commit.start', { session, verify: true }),
    ).rejects.toMatchObject({ code: 'NO_PERMISSION' })
    await expectStillStaged(session)
  })

  it('that refuses the write fails with its words, and works once it does not', async () => {
    const flag = join(watched.dir, 'errors')
    await writeFile(flag, '')
    const failing = ['--filter=error', 'file', image, 'error-pwrite=ENOSPC', `error-file=${flag}`]
    const session = await stage(await start(...failing, 'error-pwrite-rate=100%'))
    expect(await watched.commit(session)).toMatchObject({
      state: 'failed',
      error: { code: 'NO_SPACE', message: expect.stringMatching(/NBD_ENOSPC/) },
    })
    await expectStillStaged(session)
    expect((await readFile(image)).every((byte) => byte === 1)).toBe(true)
    await rename(flag, `${flag}.off`)
    expect(await watched.commit(session)).toMatchObject({ state: 'done' })
    expect((await readFile(image)).subarray(0, 4).toString()).toBe('new\x01')
  })
})
