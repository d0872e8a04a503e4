// Pages over the real host and a real workspace: what is open and staged belongs to the workspace, so it
// is the same for every page, and still there for one that comes back.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { WebSocket } from 'ws'
import { decodeCells } from '../bridge/frames'
import type { SessionInfo } from '../bridge/model'
import { RpcClient } from '../bridge/rpc-client'
import { SocketChannel } from '../bridge/socket-channel'
import { MAX_BYTES_TO_PAGE } from '../bridge/wire-message'
import { utf8 } from '../engine/base/bytes'
import { Prng } from '../engine/base/prng'
import { answerPage } from '../workspace/answer-page'
import { Workspace } from '../workspace/workspace'
import { openPage, start } from './web-host.test-helper'

const SIZE = 1024 * 1024
const CELL = 65536

async function startReal() {
  const dir = await mkdtemp(join(tmpdir(), 'platter-web-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  const image = join(dir, 'disk.img')
  const content = new Prng(3).fill(new Uint8Array(SIZE))
  await writeFile(image, content)
  const workspace = await Workspace.create({ version: '0', configDir: join(dir, 'config') })
  const started = await start({
    clock: workspace.clock,
    answer: (channel, services) => answerPage(workspace, channel, services),
  })
  onTestFinished(() => workspace.close())
  const page = async () => clientOver(await openPage(started))
  return { image, content, page }
}

const clientOver = (socket: WebSocket) =>
  new RpcClient({ channel: new SocketChannel(socket, MAX_BYTES_TO_PAGE) })

/** Staged bytes of all cells, frame by frame, until there are some. */
const untilStaged = (client: RpcClient, session: SessionInfo) =>
  new Promise<number>((resolve, reject) => {
    client.openStream(
      'map.cells',
      { session: session.id, cellBytes: CELL, firstCell: 0, cellCount: SIZE / CELL },
      {
        onFrame: ({ cellBytes }, bytes) => {
          let staged = 0
          for (const cell of decodeCells(bytes, cellBytes).written) staged += cell
          if (staged > 0) resolve(staged)
        },
        onEnd: (error) => reject(error ?? new Error('the stream ended')),
      },
    )
  })

test('what one page stages, another sees on its map and in its bytes', async () => {
  const { image, content, page } = await startReal()
  const [one, two] = [await page(), await page()]
  const heard = new Promise<SessionInfo>((resolve) => {
    two.on('session.opened', resolve)
  })
  const { value: session } = await one.request('session.open', { locator: image })
  expect((await heard).id).toBe(session.id)
  const staged = untilStaged(two, session)
  await one.request(
    'stage.write',
    { session: session.id, offset: 300_000 },
    { bytes: utf8('hello') },
  )
  expect(await staged).toBe(session.blockSize)
  const at = { session: session.id, offset: 299_998, length: 9 }
  const { bytes } = await two.request('bytes.read', at)
  const expected = content.slice(at.offset, at.offset + at.length)
  expected.set(utf8('hello'), 2)
  expect(new Uint8Array(bytes!)).toEqual(expected)
  expect(Buffer.compare(await readFile(image), content)).toBe(0)
})

test('a page that comes back finds its session as it was', async () => {
  const { image, page } = await startReal()
  const before = await page()
  const { value: session } = await before.request('session.open', { locator: image })
  await before.request('stage.write', { session: session.id, offset: 0 }, { bytes: utf8('x') })
  before.close()
  const { value: host } = await (await page()).request('host.hello', {})
  expect(host.host).toBe('browser')
  expect(host.sessions.map(({ id }) => id)).toEqual([session.id])
  expect(host.sessions[0]!.totals.written).toBe(session.blockSize)
})

test('what goes wrong reaches the page with its code', async () => {
  const { image, page } = await startReal()
  const client = await page()
  const missing = client.request('session.open', { locator: `${image}.missing` })
  await expect(missing).rejects.toMatchObject({ code: 'NOT_FOUND' })
  const nobody = client.request('session.info', { session: 's99' })
  await expect(nobody).rejects.toMatchObject({ code: 'NO_SESSION' })
})
