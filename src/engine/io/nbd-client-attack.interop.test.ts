// Our client on a real socket at servers that say all they have to say at once, and then end or stay.

import type { Socket } from 'node:net'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { PlatterError } from '../base/errors'
import * as bs from '../nbd/byte-script.test-helper'
import { openNbdDisk } from '../nbd/nbd-disk'
import { withTempDir } from '../testing/peer-process'
import { dialTransport } from './dial-transport'
import { systemClock } from './system-clock'

const SIZE = 1 << 20
const oldstyle = bs.script(
  bs.text('NBDMAGIC'),
  '0000420281861253',
  bs.u64(SIZE),
  bs.u32(1),
  bs.zeros(124),
)
const newstyle = bs.script(
  bs.greeting(),
  bs.structuredOnly,
  bs.optionError(10, 1),
  bs.infoExport(7, SIZE, 1),
  bs.ack(7),
)
const answers = bs.script(
  bs.chunk(1, 1, true, bs.u64(0), new Uint8Array(512).fill(7)),
  bs.chunk(2, 0x8001, true, bs.u32(5), bs.u16(0)),
)

/** What the server does behind its words. */
type Then = 'ends' | 'stays'

/** What becomes of opening the export, and of a read of its start. */
async function meet(words: Uint8Array, exportName: string, then: Then): Promise<string[]> {
  return withTempDir(async (dir) => {
    const sockets: Socket[] = []
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      sockets.push(socket)
      socket.on('error', () => undefined)
      socket.resume()
      if (then === 'ends') socket.end(words)
      else socket.write(words)
    })
    const path = join(dir, 's')
    await new Promise<void>((resolve) => server.listen(path, resolve))
    const codeOf = (error: unknown) => (error instanceof PlatterError ? error.code : String(error))
    try {
      const disk = await openNbdDisk({
        dial: () => dialTransport({ kind: 'unix', path }, { timeoutMs: 1000 }),
        exportName,
        clock: systemClock,
        connectTimeoutMs: 300,
        requestTimeoutMs: 300,
      })
      const bytes = new Uint8Array(512)
      const reading = await disk.read(bytes, 0).then(() => 'read', codeOf)
      await disk.close()
      return [`open, ${disk.size}`, reading]
    } catch (error) {
      return [codeOf(error)]
    } finally {
      for (const socket of sockets) socket.destroy()
      server.close()
    }
  })
}

describe('our client at a server that waits for nothing', () => {
  it.each<[string, Uint8Array, string, Then, RegExp]>([
    ['of the old style, and ends', oldstyle, '', 'ends', /^(open, 1048576 )?DISCONNECTED$/],
    ['of the old style, and stays', oldstyle, '', 'stays', /^open, 1048576 TIMEOUT$/],
    ['of the new style, and ends', newstyle, 'd', 'ends', /^(open, 1048576 )?DISCONNECTED$/],
    ['of the new style, and stays', newstyle, 'd', 'stays', /^open, 1048576 TIMEOUT$/],
    [
      'of the new style, with answers to what was not asked',
      bs.script(newstyle, answers),
      'd',
      'stays',
      /^(open, 1048576 )?PROTOCOL$/,
    ],
    ['of half a greeting, and ends', newstyle.subarray(0, 9), 'd', 'ends', /^DISCONNECTED$/],
    ['of half a greeting, and stays', newstyle.subarray(0, 9), 'd', 'stays', /^TIMEOUT$/],
    ['of the new style as if it were the old', oldstyle, 'd', 'stays', /^EXPORT_UNKNOWN$/],
    ['of zeroes without end', new Uint8Array(4 << 20), 'd', 'stays', /^PROTOCOL$/],
  ])('fails in time and by name: %s', async (_, words, name, then, expected) => {
    expect((await meet(words, name, then)).join(' ')).toMatch(expected)
  })
})
