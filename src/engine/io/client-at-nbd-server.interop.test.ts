// Our client at nbd-server, the reference implementation: simple replies only, no block sizes, no contexts,
// and an NBD_OPT_INFO that calls every export empty (3.24): only opening one tells its size.
//
// It makes itself a daemon; its process id is in a file, by which it is ended.

import { existsSync } from 'node:fs'
import { mkdtemp, open as openFile, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { Prng } from '../base/prng'
import { listNbdExports, reportNbdServer } from '../nbd/list-exports'
import { openNbdDisk } from '../nbd/nbd-disk'
import { parseNbdUri } from '../nbd/uri'
import { runDiskModel } from '../testing/disk-model'
import { expectCode, expectSameBytes, readWhole } from '../testing/expect-disk'
import { isListening, requirePeer, runPeer } from '../testing/peer-process'
import { allExtents, dialer } from './reached-server.test-helper'
import { systemClock } from './system-clock'
import { tlsClient } from './tls-client'
import { makeTlsKeys, type TlsKeys } from './tls-keys.test-helper'

const MiB = 1 << 20
const isPossible = requirePeer('nbd-server')

describe.runIf(isPossible)('our client at nbd-server', () => {
  let dir = ''
  let path = ''
  let secret = ''
  const image = (name: string) => join(dir, `${name}.img`)

  let keys: TlsKeys | undefined
  const pids: number[] = []

  /** Starts a daemon with a configuration; its socket is `NAME`. */
  async function start(name: string, config: readonly string[]): Promise<string> {
    const [socket, pid] = [join(dir, name), join(dir, `${name}.pid`)]
    const lines = ['[generic]', `unixsock = ${socket}`, 'allowlist = true', ...config]
    await writeFile(`${socket}.conf`, `${lines.join('\n')}\n`)
    const started = await runPeer('nbd-server', ['-C', `${socket}.conf`, '-p', pid])
    expect(started.status, started.stderr).toBe(0)
    await vi.waitUntil(() => isListening(socket) && existsSync(pid), { timeout: 5000 })
    pids.push(Number(await readFile(pid, 'utf8')))
    return socket
  }

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'platter-nbds-'))
    await writeFile(image('first'), new Uint8Array(4 * MiB))
    await writeFile(image('second'), new Prng(31).fill(new Uint8Array(MiB + 512)))
    const first = [
      '[first]',
      `exportname = ${image('first')}`,
      'flush = true',
      'fua = true',
      'trim = true',
    ]
    const second = ['[second]', `exportname = ${image('second')}`, 'readonly = true']
    path = await start('s', [...first, ...second])
    if (!requirePeer('openssl')) return
    keys = await makeTlsKeys(dir)
    const files = [
      'certfile = server-cert.pem',
      'keyfile = server-key.pem',
      'cacertfile = ca-cert.pem',
    ]
    const tls = files.map((file) => file.replace('= ', `= ${keys?.server}/`))
    secret = await start('t', [...tls, 'force_tls = true', ...second])
  })

  afterAll(async () => {
    for (const pid of pids) if (pid > 1) process.kill(pid, 'SIGTERM')
    await rm(dir, { recursive: true, force: true })
  })

  const open = (exportName: string, connections = 1) =>
    openNbdDisk({ dial: dialer(path), exportName, clock: systemClock, connections })
  const place = () => ({ dial: dialer(path), clock: systemClock })

  it('lists the exports with the sizes that they have', async () => {
    expect(await listNbdExports(place())).toEqual([
      { name: 'first', description: '', size: 4 * MiB, readOnly: false },
      { name: 'second', description: '', size: MiB + 512, readOnly: true },
    ])
    const report = await reportNbdServer(place())
    expect(report).toMatchObject({ handshake: 'fixed newstyle', structured: false, tls: false })
    expect(report.exports.map(({ details }) => details?.size)).toEqual([4 * MiB, MiB + 512])
  })

  it('opens one: simple replies, no block sizes, no contexts, all of it data', async () => {
    const disk = await open('first')
    expect(disk.info).toMatchObject({
      handshake: 'fixed newstyle',
      structured: false,
      contexts: [],
    })
    expect(disk.info.blockSize).toBeUndefined()
    expect(disk.capabilities).toMatchObject({
      write: true,
      flush: true,
      fua: true,
      trim: true,
      zero: true,
      fastZero: false,
      extents: false,
      multiConn: true,
    })
    expect((await allExtents(disk)).toArray()).toEqual([{ offset: 0, length: 4 * MiB, flags: 0 }])
    await disk.close()
  })

  it.each([1, 4])(
    'writes, flushes, zeroes, trims and reads as a byte model (%i connections)',
    async (count) => {
      const disk = await open('first', count)
      const content = await readWhole(disk)
      await runDiskModel(disk, { seed: 32 + count, steps: 300, content })
      await disk.write(new Prng(33).fill(new Uint8Array(70_001)), 12_345, { fua: true })
      await disk.flush()
      const seen = await readWhole(disk)
      await disk.close()
      expectSameBytes(await readFile(image('first')), seen)
    },
  )

  it('reads a read-only one to its last byte, and does not write it', async () => {
    const before = await readFile(image('second'))
    const disk = await open('second')
    expect(disk.capabilities.write).toBe(false)
    expectSameBytes(await readWhole(disk), before)
    await expectCode(disk.write(new Uint8Array(512), 0), 'READ_ONLY')
    await disk.close()
    expectSameBytes(await readFile(image('second')), before)
  })

  it('says that there is no export of another name', async () => {
    await expectCode(open('third'), 'EXPORT_UNKNOWN')
  })

  it('gets an error and no byte when the file shrinks under the server', async () => {
    const disk = await open('second')
    const keep = await readFile(image('second'))
    try {
      await truncate(image('second'), 4096)
      const bytes = new Uint8Array(4096).fill(0xee)
      // Its word for it is NBD_EINVAL.
      await expectCode(disk.read(bytes, 512 * 1024), 'REFUSED')
      expectSameBytes(bytes, new Uint8Array(4096).fill(0xee))
    } finally {
      const file = await openFile(image('second'), 'r+')
      await file.write(keep)
      await file.close()
      await disk.close()
    }
  })

  it.runIf(requirePeer('openssl'))(
    'opens and lists with certificates, and not without',
    async () => {
      const uri = `nbds+unix:///second?socket=${secret}&tls-hostname=localhost&tls-certificates=`
      const opened = async (certificates: string) => {
        const { tls, exportName } = parseNbdUri(`${uri}${certificates}`)
        if (tls === undefined) throw new TypeError('a TLS URI')
        const options = { wish: tls.wish, secure: await tlsClient(tls) }
        return { dial: dialer(secret), clock: systemClock, exportName, tls: options }
      }
      const right = await opened(keys?.good ?? '')
      const disk = await openNbdDisk(right)
      expect(disk.info).toMatchObject({ tls: true, structured: false, size: MiB + 512 })
      expectSameBytes(await readWhole(disk), await readFile(image('second')))
      await disk.close()
      expect(await listNbdExports(right)).toMatchObject([{ name: 'second', size: MiB + 512 }])
      await expectCode(openNbdDisk(await opened(join(dir, 'other'))), 'REFUSED')
      const inTheClear = openNbdDisk({
        dial: dialer(secret),
        clock: systemClock,
        exportName: 'second',
      })
      await expectCode(inTheClear, 'REFUSED')
      await expect(inTheClear).rejects.toThrow(/TLS/)
    },
  )
})
