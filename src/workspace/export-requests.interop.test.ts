// What the window is told of an export's clients: over TLS as in the clear, request by request, while
// it looks; and that it can hang up on one of them.

import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { commandName, decodeRequestRows, errorName, type RequestRow } from '../bridge/request-rows'
import { dialTransport } from '../engine/io/dial-transport'
import { systemClock } from '../engine/io/system-clock'
import { makeTlsKeys, type TlsKeys } from '../engine/io/tls-keys.test-helper'
import { type NbdDisk, openNbdDisk } from '../engine/nbd/nbd-disk'
import { parseNbdUri } from '../engine/nbd/uri'
import { requirePeer, runPeer } from '../engine/testing/peer-process'
import { WatchedWorkspace } from './page.test-helper'

const MIB = 1024 * 1024

let watched: WatchedWorkspace
let session = ''
beforeEach(async () => {
  watched = await WatchedWorkspace.create()
  const image = join(watched.dir, 'disk.img')
  await writeFile(image, new Uint8Array(4 * MIB).fill(0x22))
  session = (await watched.open(image)).id
})
afterEach(() => watched.close())

function connect(uri: string): Promise<NbdDisk> {
  const { address, exportName } = parseNbdUri(uri)
  return openNbdDisk({
    dial: (signal) => dialTransport(address, { timeoutMs: 5000, signal }),
    exportName,
    clock: systemClock,
  })
}

/** A page that looks at the requests of an export. */
function look(id: string) {
  const rows: RequestRow[] = []
  const frames: { first: number; oldest: number }[] = []
  let wake: () => void = () => undefined
  let hold: Promise<void> | undefined
  const ended = new Promise<Error | undefined>((resolve) => {
    watched.page.openStream(
      'export.requests',
      { export: id },
      {
        onFrame: (frame, bytes) => {
          frames.push(frame)
          rows.push(...decodeRequestRows(bytes, frame.first))
          wake()
          return hold
        },
        onEnd: resolve,
      },
    )
  })
  const until = async (isThere: () => boolean) => {
    while (!isThere()) {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }
  const seen = (command: string) => rows.filter((row) => commandName(row.command) === command)
  const slow = (promise: Promise<void> | undefined) => {
    hold = promise
  }
  return { rows, frames, ended, until, seen, slow }
}

describe('the requests of an export', () => {
  it('come to who looks, each once, until the export stops', async () => {
    const { id, uri } = await watched.serve(session)
    const before = await connect(uri)
    await before.write(new Uint8Array(10), 4096)
    const page = look(id)
    await page.until(() => page.seen('WRITE').length === 1)
    await before.read(new Uint8Array(512), 8192)
    await before.zero(0, 65536, { fua: true })
    await before.flush()
    await page.until(() => page.seen('FLUSH').length === 1)
    expect(page.seen('READ')).toMatchObject([{ client: 1, offset: 8192, length: 512, errno: 0 }])
    expect(page.seen('WRITE_ZEROES')).toMatchObject([{ offset: 0, length: 65536, flags: 3 }])
    expect(page.rows.map(({ seq }) => seq)).toEqual(page.rows.map((_, i) => i))
    expect(page.rows.every((row) => Math.abs(row.time - Date.now()) < 30_000)).toBe(true)
    await before.close()
    await watched.page.request('export.stop', { export: id })
    expect(await page.ended).toBeUndefined()
  })

  it('are as many as the log holds for a page that was slow, and the server did not wait', async () => {
    const { id, uri } = await watched.serve(session)
    const disk = await connect(uri)
    const page = look(id)
    await page.until(() => page.frames.length === 1)
    let go: () => void = () => undefined
    page.slow(
      new Promise((resolve) => {
        go = resolve
      }),
    )
    // Of the two frames that a page is sent ahead, this read takes one and no more; the other has at most
    // as many rows as the log holds, whenever it is sent.
    await disk.read(new Uint8Array(512), 0)
    await page.until(() => page.frames.length === 2)
    for (let i = 0; i < 25; i++) {
      await Promise.all(
        Array.from({ length: 100 }, (_, k) => disk.read(new Uint8Array(512), (i * 100 + k) * 512)),
      )
    }
    page.slow(undefined)
    go()
    await page.until(() => (page.rows.at(-1)?.seq ?? 0) >= 2500)
    expect(page.rows.length).toBeLessThan(2400)
    const { seq } = page.rows.at(-1) as RequestRow
    expect(page.rows.slice(-1000).map((row) => row.seq)).toEqual(
      Array.from({ length: 1000 }, (_, i) => seq - 999 + i),
    )
    await disk.close()
  })

  it('are forgotten when that is asked for', async () => {
    const { id, uri } = await watched.serve(session)
    const disk = await connect(uri)
    await disk.read(new Uint8Array(1), 0)
    const page = look(id)
    await page.until(() => page.rows.length > 0)
    await watched.page.request('export.clearLog', { export: id })
    await page.until(() => (page.frames.at(-1)?.oldest ?? 0) > 0)
    const late = look(id)
    await late.until(() => late.frames.length > 0)
    expect(late.rows).toEqual([])
    await disk.close()
  })

  it('of an export that is not there are refused', async () => {
    expect(await look('nothing').ended).toMatchObject({ code: 'BAD_REQUEST' })
  })
})

it('a client is hung up on, and others are not', async () => {
  const { id, uri } = await watched.serve(session)
  const [first, second] = [await connect(uri), await connect(uri)]
  const gone = watched.next('export.changed', ({ clients }) => clients.length === 1)
  await watched.page.request('export.disconnect', { export: id, client: 1 })
  expect((await gone).clients.map((client) => client.id)).toEqual([2])
  await expect(first.read(new Uint8Array(1), 0)).rejects.toMatchObject({ code: 'DISCONNECTED' })
  await second.read(new Uint8Array(1), 0)
  await expect(
    watched.page.request('export.disconnect', { export: id, client: 1 }),
  ).rejects.toMatchObject({ code: 'BAD_REQUEST', message: expect.stringContaining('client 1') })
  await Promise.all([first.close(), second.close()])
})

describe.skipIf(!requirePeer('nbdinfo') || !requirePeer('openssl'))('an export over TLS', () => {
  let keys: TlsKeys
  beforeEach(async () => {
    keys = await makeTlsKeys(watched.dir)
  }, 60_000)

  const info = (uri: string) => runPeer('nbdinfo', ['--json', uri])
  const start = async (options: object) => {
    const params = { session, transport: { kind: 'tcp', host: '127.0.0.1' } as const, ...options }
    return (await watched.page.request('export.start', params)).value
  }

  it('lets in who has a key, and tells about it', async () => {
    const tls = { mode: 'required', pskFile: keys.psk } as const
    const served = await start({ tls, name: 'disk', description: 'the web server' })
    expect(served).toMatchObject({
      uri: expect.stringMatching(/^nbds:\/\/127\.0\.0\.1:\d+\/disk$/),
      description: 'the web server',
      tls: { mode: 'required', keys: 'psk', verifiesClients: true },
    })
    const came = watched.next('export.changed', ({ clients }) => clients[0]?.secure === true)
    const page = look(served.id)
    const uri = served.uri.replace('//', '//alice@')
    const good = await info(`${uri}?tls-psk-file=${keys.psk}`)
    expect(JSON.parse(good.stdout)).toMatchObject({
      TLS: true,
      exports: [{ 'export-name': 'disk', description: 'the web server' }],
    })
    expect(await info(`${uri}?tls-psk-file=${keys.wrongPsk}`)).toMatchObject({ status: 1 })
    expect(await info(served.uri.replace('nbds', 'nbd'))).toMatchObject({ status: 1 })
    if (requirePeer('qemu-io')) {
      const object = `tls-creds-psk,id=t,endpoint=client,dir=${await pskDir(keys)},username=alice`
      const port = /:(\d+)\//.exec(served.uri)?.[1]
      const image = `driver=nbd,server.type=inet,server.host=127.0.0.1,server.port=${port},export=disk,tls-creds=t`
      const args = [
        '--object',
        object,
        '--image-opts',
        image,
        '-c',
        'write -P 7 64k 4k',
        '-c',
        'sleep 700',
      ]
      expect(await runPeer('qemu-io', args)).toMatchObject({ status: 0 })
      expect(await came).toBeTruthy()
      await page.until(() => page.seen('WRITE').length > 0)
      expect(page.seen('WRITE')).toMatchObject([{ offset: 65536, length: 4096 }])
    }
    expect(
      page.rows
        .map(({ errno }) => errno)
        .filter(Boolean)
        .map(errorName),
    ).toEqual([])
  })

  it('offers itself in the clear too when it is optional', async () => {
    const { uri } = await start({ tls: { mode: 'optional', certificates: keys.server } })
    expect(JSON.parse((await info(uri)).stdout)).toMatchObject({ TLS: false })
    const secure = `${uri.replace('nbd:', 'nbds:').replace('127.0.0.1', 'localhost')}?tls-certificates=${keys.bare}`
    expect(JSON.parse((await info(secure)).stdout)).toMatchObject({ TLS: true })
  })

  it('asks for certificates of its own authority', async () => {
    const tls = { mode: 'required', certificates: keys.server, verifyPeer: true }
    const served = await start({ tls })
    expect(served.tls).toEqual({ mode: 'required', keys: 'x509', verifiesClients: true })
    const as = (who: string) =>
      info(`${served.uri.replace('127.0.0.1', 'localhost')}?tls-certificates=${who}`)
    expect(await as(keys.stranger)).toMatchObject({ status: 1 })
    expect(await as(keys.good)).toMatchObject({ status: 0 })
  })
})

/** qemu wants a directory with `keys.psk` in it. */
async function pskDir(keys: TlsKeys): Promise<string> {
  const dir = join(watched.dir, 'qemu-psk')
  await mkdir(dir)
  await copyFile(keys.psk, join(dir, 'keys.psk'))
  return dir
}
