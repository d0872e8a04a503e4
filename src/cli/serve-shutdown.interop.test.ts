// The end of `platter serve` as a client of libnbd sees it, with requests in flight to a slow image: those
// are finished, later ones are told of the shutdown, and what was written is flushed.

import { existsSync, readFileSync, statSync } from 'node:fs'
import { mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { isListening, PeerProcess, requirePeer, runPeer } from '../engine/testing/peer-process'
import { ensureBuilt, RunningPlatter } from './command.test-helper'

let dir = ''
beforeAll(async () => {
  await ensureBuilt()
  dir = await realpath(await mkdtemp(join(tmpdir(), 'platter-end-')))
}, 120_000)
afterAll(() => rm(dir, { recursive: true }))

const NBDSH_ENV = { ...process.env, PATH: `/usr/bin:${process.env['PATH'] ?? ''}` }

/** Three reads in flight; once the socket is gone, which is when the server ends, one more. */
const script = (socket: string) => `
import errno, os
h.connect_unix("${socket}")
h.pwrite(b"\\x5a" * 4096, 65536)
buffers = [nbd.Buffer(4096) for i in range(4)]
cookies = [h.aio_pread(buffer, 65536) for buffer in buffers[:3]]
while os.path.exists("${socket}"):
    h.poll(10)
print("in flight:", h.aio_in_flight())
cookies.append(h.aio_pread(buffers[3], 65536))
outcomes = []
while len(outcomes) < 4:
    h.poll(-1)
    for buffer, cookie in zip(buffers, cookies):
        if cookie is None:
            continue
        try:
            if h.aio_command_completed(cookie):
                outcomes.append("read" if buffer.to_bytearray() == b"\\x5a" * 4096 else "wrong")
                cookies[cookies.index(cookie)] = None
        except nbd.Error as error:
            outcomes.append(error.errno)
            cookies[cookies.index(cookie)] = None
print(sorted(outcomes))
`

const isPossible = requirePeer('nbdkit') && requirePeer('nbdsh')

describe.runIf(isPossible)('the end of a served image', () => {
  it('finishes three reads, refuses the fourth with ESHUTDOWN, and flushes', async () => {
    const [source, socket, log] = [join(dir, 'source'), join(dir, 's'), join(dir, 'log')]
    const filters = ['--filter=log', '--filter=delay']
    const slow = ['memory', '1M', 'rdelay=1500ms', `logfile=${log}`]
    const nbdkit = await PeerProcess.start(
      'nbdkit',
      ['-f', '-U', source, ...filters, ...slow],
      () => isListening(source),
    )
    const uri = `nbd+unix:///?socket=${source}`
    const server = new RunningPlatter(['serve', uri, '--socket', socket, '--writable'], dir)
    try {
      await server.firstLine()
      const client = runPeer('nbdsh', ['-c', script(socket)], { env: NBDSH_ENV })
      const readsAtOffset = () => readFileSync(log, 'utf8').split('Read id=').length - 1
      const began = readsAtOffset()
      // The source has got them all.
      await vi.waitUntil(() => readsAtOffset() >= began + 3, { timeout: 10_000 })
      expect(await readFile(log, 'utf8')).not.toContain('Flush')
      const ended = server.end()
      expect(await client).toEqual({
        status: 0,
        stdout: "in flight: 3\n['ESHUTDOWN', 'read', 'read', 'read']\n",
        stderr: '',
      })
      expect(await ended).toMatchObject({ status: 0, stderr: '' })
      const text = await readFile(log, 'utf8')
      expect(text.indexOf('Flush')).toBeGreaterThan(text.indexOf('Write'))
    } finally {
      await server.end('SIGKILL')
      await nbdkit.stop()
    }
  })
})

describe('the socket of a served image', () => {
  it('is its owner’s alone', async () => {
    const [image, socket] = [join(dir, 'image'), join(dir, 'own')]
    await writeFile(image, new Uint8Array(4096))
    const server = new RunningPlatter(['serve', image, '--socket', socket], dir)
    try {
      await server.firstLine()
      expect((statSync(socket).mode & 0o777).toString(8)).toBe('600')
    } finally {
      await server.end()
    }
    expect(existsSync(socket)).toBe(false)
  })
})
