// Over real sockets: what the other side receives is compared byte by byte, with a reader that stops in
// between, so that the send buffer fills and the sender has to wait for room.

import { once } from 'node:events'
import { type FileHandle, open } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Prng } from '../base/prng'
import type { PlacedBytes } from '../nbd/transport'
import { withTempDir } from '../testing/peer-process'
import { CachedFile } from './cached-file'
import { PlacedSender } from './placed-sender'
import { loadSocketCalls } from './socket-calls'

const LENGTH = 3 * 1024 * 1024

interface Ends {
  readonly server: Socket
  readonly client: Socket
  readonly sender: PlacedSender
  readonly drained: Promise<void>
  readonly file: CachedFile
  readonly handle: FileHandle
  readonly content: Uint8Array
}

async function withEnds(test: (ends: Ends) => Promise<void>): Promise<void> {
  const calls = await loadSocketCalls()
  expect(calls, 'Linux has these calls').toBeDefined()
  await withTempDir(async (dir) => {
    const content = new Prng(11).fill(new Uint8Array(LENGTH))
    const handle = await open(join(dir, 'content'), 'w+')
    await handle.writeFile(content)
    const listener = createServer().listen(join(dir, 's'))
    await once(listener, 'listening')
    const client = connect(join(dir, 's'))
    const [server] = (await once(listener, 'connection')) as [Socket]
    let drain: () => void = () => undefined
    const drained = new Promise<void>((resolve) => {
      drain = resolve
    })
    const sender = PlacedSender.of(server, calls, drain)
    // As the transport does that owns both.
    server.on('drain', () => sender?.isIdle && drain())
    server.on('close', () => sender?.drop())
    server.on('error', () => undefined)
    try {
      const file = await CachedFile.of(handle.fd)
      await test({ server, client, sender: sender!, drained, file, handle, content })
    } finally {
      server.destroy()
      client.destroy()
      listener.close()
      await handle.close()
    }
  })
}

/** Bytes of the file, and what became of them. */
function placed(
  file: CachedFile,
  offset: number,
  length: number,
  changes: Partial<PlacedBytes> = {},
): { readonly bytes: PlacedBytes; readonly ended: Promise<string> } {
  let end: (how: string) => void = () => undefined
  const ended = new Promise<string>((resolve) => {
    end = resolve
  })
  const bytes: PlacedBytes = {
    header: new TextEncoder().encode(`<${offset}+${length}>`),
    length,
    place: (at) => ({ length: length - at, file, offset: offset + at }),
    read: () => Promise.reject(new Error('not asked for')),
    onSent: () => end('sent'),
    onLost: (error) => end(error instanceof Error ? `lost: ${error.message}` : 'lost'),
    ...changes,
  }
  return { bytes, ended }
}

const text = (s: string) => new TextEncoder().encode(s)

/** Exactly so many bytes of what the client receives. */
async function receive(client: Socket, length: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  let have = 0
  while (have < length) {
    const piece: Uint8Array | null = client.read()
    if (piece === null) await once(client, 'readable')
    else {
      pieces.push(piece)
      have += piece.length
    }
  }
  return Buffer.concat(pieces)
}

const same = (a: Uint8Array, b: Uint8Array) => expect(Buffer.compare(a, b)).toBe(0)

describe('sending bytes of a file without a copy', () => {
  it('sends the header and then exactly the bytes, many times what a socket buffers', () =>
    withEnds(async ({ sender, client, file, content }) => {
      const { bytes, ended } = placed(file, 1000, LENGTH - 1000)
      sender.queue(bytes)
      const got = await receive(client, bytes.header.length + bytes.length)
      same(got, Buffer.concat([bytes.header, content.subarray(1000)]))
      expect(await ended).toBe('sent')
      expect(sender.isIdle).toBe(true)
    }))

  it('keeps the order of placed and ordinary bytes while the reader does not take any', () =>
    withEnds(async ({ sender, client, file, content }) => {
      const sent: Promise<string>[] = []
      const expected: Uint8Array[] = []
      for (let i = 0; i < 20; i++) {
        const { bytes, ended } = placed(file, i * 1111, 100_000 + i)
        sender.queue(bytes)
        sender.queue({ bytes: text(`(${i})`), onSent: undefined })
        sent.push(ended)
        const data = content.subarray(i * 1111, i * 1111 + bytes.length)
        expected.push(bytes.header, data, text(`(${i})`))
      }
      const whole = Buffer.concat(expected)
      same(await receive(client, whole.length), whole)
      expect(await Promise.all(sent)).toEqual(sent.map(() => 'sent'))
    }))

  it('waits for what Node has not written yet', () =>
    withEnds(async ({ sender, server, client, file, content }) => {
      const before = new Prng(5).fill(new Uint8Array(2 * 1024 * 1024))
      server.write(before)
      const { bytes, ended } = placed(file, 0, 70_000)
      sender.queue(bytes)
      const whole = Buffer.concat([before, bytes.header, content.subarray(0, 70_000)])
      same(await receive(client, whole.length), whole)
      expect(await ended).toBe('sent')
    }))

  it('sends no pages of what must be copied: the file may change behind it', () =>
    withEnds(async ({ sender, client, file, handle, content }) => {
      const length = 512 * 1024
      const pieces: Promise<string>[] = []
      for (let at = 0; at < length; at += 4096) {
        const { bytes, ended } = placed(file, at, 4096, {
          place: (from) => ({ length: 4096 - from, file, offset: at + from, mustCopy: true }),
        })
        sender.queue({ ...bytes, header: new Uint8Array(0) })
        pieces.push(ended)
      }
      // Node takes some bytes of its own accord; the others lie in the socket now.
      let sent = 0
      for (const piece of pieces) void piece.then(() => sent++)
      await new Promise<void>((resolve) => setImmediate(resolve))
      const inSocket = sent * 4096
      await handle.write(new Uint8Array(length), 0, length, 0)
      const got = await receive(client, length)
      expect(inSocket).toBeGreaterThan(128 * 1024)
      same(got.subarray(0, inSocket), content.subarray(0, inSocket))
    }))

  it('sends zeroes for what lies nowhere', () =>
    withEnds(async ({ sender, client, file, content }) => {
      const { bytes } = placed(file, 0, 400_000, {
        place: (at) =>
          at < 300_000
            ? { length: 300_000 - at, file: undefined, offset: 0 }
            : { length: 400_000 - at, file, offset: at },
      })
      sender.queue(bytes)
      const got = await receive(client, bytes.header.length + 400_000)
      const data = got.subarray(bytes.header.length)
      expect(data.subarray(0, 300_000).every((byte) => byte === 0)).toBe(true)
      same(data.subarray(300_000), content.subarray(300_000, 400_000))
    }))

  it('reads what cannot be placed any more, in pieces', () =>
    withEnds(async ({ sender, client, file, content }) => {
      const reads: string[] = []
      const { bytes, ended } = placed(file, 0, 600_000, {
        place: () => undefined,
        read: async (target, at) => {
          reads.push(`${at}+${target.length}`)
          target.set(content.subarray(at, at + target.length))
        },
      })
      sender.queue(bytes)
      const got = await receive(client, bytes.header.length + 600_000)
      same(got.subarray(bytes.header.length), content.subarray(0, 600_000))
      expect(await ended).toBe('sent')
      expect(reads).toEqual(['0+262144', '262144+262144', '524288+75712'])
    }))

  it('reads on where the file ends before the disk says so', () =>
    withEnds(async ({ sender, file }) => {
      const { bytes, ended } = placed(file, LENGTH - 100, 5000, {
        read: () => Promise.reject(new Error('the file became shorter')),
      })
      sender.queue(bytes)
      expect(await ended).toBe('lost: the file became shorter')
    }))

  it('tells that a read failed, and goes no further with those bytes', () =>
    withEnds(async ({ sender, file }) => {
      const { bytes, ended } = placed(file, 0, 5000, {
        place: () => undefined,
        read: () => Promise.reject(new Error('no such sector')),
      })
      sender.queue(bytes)
      expect(await ended).toBe('lost: no such sector')
    }))

  it('tells everybody in the line when the connection goes', () =>
    withEnds(async ({ sender, client, file }) => {
      const first = placed(file, 0, LENGTH)
      const second = placed(file, 0, LENGTH)
      let isOrdinaryLost = false
      sender.queue(first.bytes)
      sender.queue({
        bytes: text('in between'),
        onSent: () => {
          isOrdinaryLost = true
        },
      })
      sender.queue(second.bytes)
      client.destroy()
      expect(await first.ended).toBe('lost')
      expect(await second.ended).toBe('lost')
      expect(isOrdinaryLost).toBe(true)
    }))

  it('asks a writer of ordinary bytes to wait, and says when it may go on', () =>
    withEnds(async ({ sender, client, file, drained }) => {
      const { bytes } = placed(file, 0, LENGTH)
      // Placed bytes take no memory while they wait, ordinary ones do.
      expect(sender.queue(bytes)).toBe(true)
      expect(sender.queue({ bytes: new Uint8Array(2 * 1024 * 1024), onSent: undefined })).toBe(
        false,
      )
      client.resume()
      await drained
      expect(sender.isIdle).toBe(true)
    }))
})
