// Servers that are not there, that are rude, or that fall silent: one sentence each, within bounded time.

import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { greeting, simpleReply } from '../engine/nbd/byte-script.test-helper'
import { PeerProcess, requirePeer } from '../engine/testing/peer-process'
import { mapImage } from '../workspace/image-map'
import { reportExports, reportImage } from '../workspace/image-report'
import { ensureBuilt, platter } from './command.test-helper'
import { type RudeScript, withRudeServer } from './rude-server.test-helper'

const MIB = 1024 * 1024
const PATIENCE = { connectMs: 150, requestMs: 150 }

let dir = ''
let socket = ''
beforeAll(async () => {
  await ensureBuilt()
  dir = await realpath(await mkdtemp(join(tmpdir(), 'platter-nbd-')))
}, 120_000)
beforeEach(() => {
  socket = join(dir, `s${Math.floor(performance.now())}`)
})
afterAll(() => rm(dir, { recursive: true }))

const never = () => new Promise<void>(() => undefined)

const failedWith = (why: RegExp) => ({
  status: 1,
  stdout: '',
  stderr: expect.stringMatching(new RegExp(`^platter: [^\\n]*${why.source}[^\\n]*\\n$`)),
})

const RUDE: [string, RudeScript, RegExp][] = [
  ['hangs up at once', async (c) => c.hangUp(), /hung up before the server's greeting/],
  [
    'hangs up in the middle of its greeting',
    async (c) => {
      c.send(greeting().subarray(0, 11))
      c.hangUp()
    },
    /hung up before the server's greeting/,
  ],
  [
    'hangs up in the middle of the handshake',
    async (c) => {
      c.send(greeting())
      await c.read(4)
      await c.readOption()
      c.hangUp()
    },
    /hung up before the reply to NBD_OPT_/,
  ],
  [
    'speaks something else',
    async (c) => c.send(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')),
    /not an NBD server: it begins with 0x485454502f312e31/,
  ],
  [
    'has an export too large to count',
    (c) => c.shakeHands(2n ** 62n),
    /the export size is 4611686018427387904, above the largest supported 2\^53-1/,
  ],
]

const RUDE_READS: [string, RudeScript, RegExp][] = [
  [
    'hangs up instead of an answer',
    async (c) => {
      await c.shakeHands(MIB)
      await c.readRequest()
      c.hangUp()
    },
    /the server hung up/,
  ],
  [
    'hangs up in the middle of the data',
    async (c) => {
      await c.shakeHands(MIB)
      const { cookie, length } = await c.readRequest()
      c.send(simpleReply(cookie, 0, new Uint8Array(length >> 1)))
      c.hangUp()
    },
    /the server hung up/,
  ],
  [
    'answers nonsense',
    async (c) => {
      await c.shakeHands(MIB)
      await c.readRequest()
      c.send(new Uint8Array(16))
    },
    /a reply begins with 0x0; connection closed/,
  ],
  [
    'answers somebody else',
    async (c) => {
      await c.shakeHands(MIB)
      const { cookie } = await c.readRequest()
      c.send(simpleReply(cookie + 1n))
    },
    /a reply for request \d+, which is not open; connection closed/,
  ],
  [
    'cannot read its disk',
    async (c) => {
      await c.shakeHands(MIB)
      for (;;) c.send(simpleReply((await c.readRequest()).cookie, 5))
    },
    /NBD_CMD_READ of \d+ bytes at \d+: the server answered NBD_EIO/,
  ],
]

describe('a server that', () => {
  it.each([...RUDE, ...RUDE_READS])('%s is one sentence', async (_name, script, why) => {
    await withRudeServer(socket, script, async (uri) => {
      expect(await platter(['info', uri])).toEqual(failedWith(why))
    })
  })

  it.each(RUDE)('%s has no list of exports either', async (_name, script, why) => {
    await withRudeServer(socket, script, async (uri) => {
      const sizeUnknown = why.source.includes('2\\^53')
      if (!sizeUnknown) expect(await platter(['info', '--list', uri])).toEqual(failedWith(why))
    })
  })

  it('is not there is one sentence', async () => {
    await writeFile(join(dir, 'file'), '')
    const results = await Promise.all([
      platter(['info', `nbd+unix:///?socket=${join(dir, 'none')}`]),
      platter(['map', `nbd+unix:///?socket=${join(dir, 'file')}`]),
      platter(['info', '--list', 'nbd://127.0.0.1:1']),
      platter(['serve', 'nbd://127.0.0.1:1/x', '--port', '0']),
      platter(['info', 'nbd://host.invalid/']),
    ])
    expect(results[0]).toEqual(failedWith(/none: no connection: there is no such socket/))
    expect(results[1]).toEqual(failedWith(/file: no connection: /))
    expect(results[2]).toEqual(failedWith(/127\.0\.0\.1:1: no connection: nothing listens there/))
    expect(results[3]).toEqual(failedWith(/127\.0\.0\.1:1: no connection: nothing listens there/))
    expect(results[4]).toEqual(failedWith(/host\.invalid:10809: no connection: the host name/))
  })

  it('says nothing is given up on', async () => {
    await withRudeServer(socket, never, async (uri) => {
      const refusal = {
        code: 'TIMEOUT',
        message: expect.stringMatching(/no answer for 150 ms, waiting for the server's greeting/),
      }
      await expect(reportImage(uri, { patience: PATIENCE })).rejects.toMatchObject(refusal)
      await expect(mapImage(uri, { patience: PATIENCE })).rejects.toMatchObject(refusal)
      await expect(reportExports(uri, PATIENCE)).rejects.toMatchObject(refusal)
    })
  })

  it('dribbles through its greeting is given up on too', async () => {
    const dribble: RudeScript = async (c) => {
      for (const byte of greeting()) {
        c.send(Uint8Array.of(byte))
        // Each byte waits for a turn of its own; the greeting has no end before the time is up.
        await new Promise(setImmediate)
      }
      await never()
    }
    await withRudeServer(socket, dribble, async (uri) => {
      await expect(reportExports(uri, PATIENCE)).rejects.toMatchObject({ code: 'TIMEOUT' })
    })
  })

  it('answers no more is given up on', async () => {
    const silent: RudeScript = async (c) => {
      await c.shakeHands(MIB)
      await never()
    }
    await withRudeServer(socket, silent, async (uri) => {
      await expect(reportImage(uri, { patience: PATIENCE })).rejects.toMatchObject({
        code: 'TIMEOUT',
        message: expect.stringMatching(/NBD_CMD_READ of \d+ bytes at \d+: no answer for 150 ms/),
      })
    })
  })
})

describe.skipIf(!requirePeer('nbdkit'))('an export', () => {
  it('that the server does not have is one sentence', async () => {
    await writeFile(join(dir, 'disk'), new Uint8Array(512))
    const args = ['-f', '-r', '-U', socket, 'file', `dir=${dir}`]
    const nbdkit = await PeerProcess.start('nbdkit', args, async () => {
      const { status } = await platter(['info', `nbd+unix:///disk?socket=${socket}`])
      return status === 0
    })
    const uri = `nbd+unix:///no%20such?socket=${socket}`
    const results = await Promise.all([platter(['info', uri]), platter(['map', '--json', uri])])
    for (const result of results) {
      expect(result).toEqual(failedWith(/export 'no such': the server has no such export/))
    }
    const list = await platter(['info', '--list', '--json', uri])
    expect(JSON.parse(list.stdout).exports).toContainEqual(
      expect.objectContaining({ name: 'disk', description: '', size: 512, readOnly: true }),
    )
    await nbdkit.stop()
  })
})
