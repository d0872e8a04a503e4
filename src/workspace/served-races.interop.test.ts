// A client that asked for much and takes nothing from its socket, while another one changes what it asked
// for: in the end it gets the old or the new content, byte by byte, and never what stood nowhere. Bytes
// of files leave as pages of the page cache, so what happens to a file shows in a socket that is full.

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Prng } from '../engine/base/prng'
import type { ByteRange } from '../engine/base/ranges'
import type { Disk } from '../engine/disk/disk'
import { dialTransport } from '../engine/io/dial-transport'
import { openFileDisk } from '../engine/io/file-disk'
import { listenTransport } from '../engine/io/listen-transport'
import { RawClient } from '../engine/io/raw-client.test-helper'
import { systemClock } from '../engine/io/system-clock'
import { createTempDisk } from '../engine/io/temp-disk'
import { commitOverlay } from '../engine/layers/commit'
import { OverlayDisk } from '../engine/layers/overlay'
import * as bs from '../engine/nbd/byte-script.test-helper'
import { ExportRegistry } from '../engine/nbd/export-registry'
import { openNbdDisk } from '../engine/nbd/nbd-disk'
import { NbdServer } from '../engine/nbd/nbd-server'
import type { Transport } from '../engine/nbd/transport'
import { withTempDir } from '../engine/testing/peer-process'

const SIZE = 1 << 20
const HALF = SIZE / 2
const KiB = 1024
/** Three times the disk and some pieces of it: many times what a socket holds. */
const ASKED: readonly (readonly [offset: number, length: number])[] = [
  [0, SIZE],
  ...Array.from({ length: 8 }, (_, i) => [i * 100_000, 64 * KiB] as const),
  [0, SIZE],
  [4096, SIZE - 8192],
]

/** Bytes among which no zero is, so that one that nobody wrote is told apart. */
const content = (seed: number): Uint8Array =>
  new Prng(seed).fill(new Uint8Array(SIZE)).map((byte) => byte || 1)

const BASE = content(1)
const STAGED = content(2)
const NEW = content(3)
const ZEROES = new Uint8Array(SIZE)

interface Stage {
  readonly base: Disk
  readonly overlay: OverlayDisk
  /** A client beside the one that does not read. */
  readonly other: Disk
}

interface Race {
  readonly what: string
  /** Blocks are staged before it begins; otherwise all are clean. */
  readonly isStaged: boolean
  readonly act: (stage: Stage) => Promise<unknown>
  readonly legal: readonly Uint8Array[]
}

/** Every other 4 KiB of the second half, and all of the first. */
async function scattered(act: (offset: number, length: number) => Promise<unknown>) {
  await act(0, HALF)
  for (let at = HALF; at < SIZE; at += 8192) await act(at, 4096)
}

const put = (disk: Disk) => scattered((at, length) => disk.write(NEW.subarray(at, at + length), at))
const discard = ({ overlay }: Stage) =>
  scattered((offset, length) => overlay.discard([{ offset, length }]))
/** Of some blocks, so that those between them keep the store's space around holes. */
const commit = async ({ overlay, base }: Stage) => {
  const ranges: ByteRange[] = []
  await scattered(async (offset, length) => ranges.push({ offset, length }))
  await commitOverlay({ overlay, target: base, ranges, verify: false })
}

const RACES: readonly Race[] = [
  { what: 'discarded', isStaged: true, act: discard, legal: [STAGED, BASE] },
  { what: 'overwritten', isStaged: true, act: ({ other }) => put(other), legal: [STAGED, NEW] },
  {
    what: 'zeroed',
    isStaged: true,
    act: ({ other }) => scattered((at, length) => other.zero(at, length, { mayTrim: true })),
    legal: [STAGED, ZEROES],
  },
  {
    what: 'trimmed',
    isStaged: true,
    act: ({ other }) => scattered((at, length) => other.trim(at, length)),
    legal: [STAGED, ZEROES],
  },
  {
    what: 'discarded and written again',
    isStaged: true,
    act: (stage) => discard(stage).then(() => put(stage.other)),
    legal: [STAGED, BASE, NEW],
  },
  { what: 'committed', isStaged: true, act: commit, legal: [STAGED] },
  {
    what: 'committed and written again',
    isStaged: true,
    act: (stage) => commit(stage).then(() => put(stage.other)),
    legal: [STAGED, NEW],
  },
  {
    what: 'written over a clean base, and committed into it',
    isStaged: false,
    act: (stage) => put(stage.other).then(() => commit(stage)),
    legal: [BASE, NEW],
  },
  {
    what: 'zeroed over a clean base, and committed into it',
    isStaged: false,
    act: async (stage) => {
      await scattered((at, length) => stage.other.zero(at, length, { mayTrim: true }))
      await commit(stage)
    },
    legal: [BASE, ZEROES],
  },
]

/** Has asked and takes nothing; `take` gives all of the answers. */
type Reader = (path: string) => Promise<{ take(): Promise<Uint8Array[]>; close(): unknown }>

const dialed =
  (replies: 'simple' | 'extended'): Reader =>
  async (path) => {
    let connected: Transport | undefined
    const dial = async (signal?: AbortSignal) => {
      connected = await dialTransport({ kind: 'unix', path }, { timeoutMs: 5000, signal })
      return connected
    }
    const disk = await openNbdDisk({ dial, exportName: '', clock: systemClock, replies })
    connected?.pause()
    const targets = ASKED.map(([, length]) => new Uint8Array(length))
    const reads = targets.map((target, i) => disk.read(target, ASKED[i]?.[0] ?? 0))
    const take = async () => {
      connected?.resume()
      await Promise.all(reads)
      return targets
    }
    return { take, close: () => disk.close() }
  }

/** Greeting, acknowledgement of structured replies, block sizes, the export, acknowledgement. */
const WELCOME = 18 + 20 + 34 + 32 + 20
const CHUNK_HEADER = 20 + 8
const DF = 4

/** Wants each answer in one piece (NBD_CMD_FLAG_DF), and takes the chunks apart by itself. */
const inOnePiece: Reader = async (path) => {
  const client = await RawClient.open(path)
  client.send(bs.script(bs.clientFlags(), bs.option(8), bs.option(7, bs.sized(''), bs.u16(0))))
  expect(await client.gets(WELCOME)).toBe(true)
  client.socket.pause()
  for (const [cookie, [offset, length]] of ASKED.entries()) {
    client.send(bs.request({ command: 0, flags: DF, cookie, offset, length }))
  }
  const take = async () => {
    client.socket.resume()
    const all = ASKED.reduce((sum, [, length]) => sum + CHUNK_HEADER + length, WELCOME)
    expect(await client.gets(all)).toBe(true)
    expect(client.length).toBe(all)
    const answers: Uint8Array[] = []
    for (let at = WELCOME; at < all; ) {
      const cookie = client.received.readUInt8(at + 15)
      const [offset, length] = ASKED[cookie] ?? [0, 0]
      // NBD_REPLY_FLAG_DONE, NBD_REPLY_TYPE_OFFSET_DATA
      const header = ['668e33ef', bs.u16(1), bs.u16(1), bs.u64(cookie), bs.u32(8 + length)]
      const data = at + CHUNK_HEADER
      expect(client.received.subarray(at, data)).toEqual(
        Buffer.from(bs.script(...header, bs.u64(offset))),
      )
      answers[cookie] = client.received.subarray(data, data + length)
      at = data + length
    }
    return answers
  }
  return { take, close: () => client.socket.destroy() }
}

const READERS: Readonly<Record<string, Reader>> = {
  'simple replies': dialed('simple'),
  'extended headers': dialed('extended'),
  'whole answers': inOnePiece,
}

/** Turns of the event loop after which a server of this process has sent all that a socket takes. */
async function fillSocket(): Promise<void> {
  for (let i = 0; i < 60; i++) await new Promise<void>((resolve) => setImmediate(resolve))
}

/** Where the bytes are none of the legal ones: how many, and the first. */
function illegal(answer: Uint8Array, offset: number, legal: readonly Uint8Array[]) {
  const wrong: number[] = []
  for (let i = 0; i < answer.length; i++) {
    if (!legal.some((bytes) => bytes[offset + i] === answer[i])) wrong.push(offset + i)
  }
  return wrong.length === 0 ? undefined : `${wrong.length} bytes from ${wrong[0]}`
}

async function serveRace(
  dir: string,
  disk: Disk,
  race: (other: Disk) => Promise<unknown>,
  reader: Reader,
  legal: readonly Uint8Array[],
): Promise<void> {
  const exports = new ExportRegistry()
  exports.add({ name: '', disk, readOnly: false })
  const server = new NbdServer({ exports, clock: systemClock })
  const path = join(dir, 's')
  const listener = await listenTransport({ kind: 'unix', path }, (each) => server.accept(each))
  const dial = (signal?: AbortSignal) =>
    dialTransport({ kind: 'unix', path }, { timeoutMs: 5000, signal })
  const other = await openNbdDisk({ dial, exportName: '', clock: systemClock })
  const { take, close } = await reader(path)
  try {
    await fillSocket()
    await race(other)
    const answers = await take()
    const wrong = answers.map((answer, i) => illegal(answer, ASKED[i]?.[0] ?? 0, legal))
    expect(wrong).toEqual(ASKED.map(() => undefined))
    const now = [new Uint8Array(SIZE), new Uint8Array(SIZE)] as const
    await disk.read(now[0], 0)
    await other.read(now[1], 0)
    expect(Buffer.compare(...now)).toBe(0)
  } finally {
    await close()
    await other.close()
    await listener.close()
    await server.shutdown(2000)
  }
}

const onOverlay = (blockSize: number, { isStaged, act, legal }: Race, reader: Reader) =>
  withTempDir(async (dir) => {
    await writeFile(join(dir, 'base'), BASE)
    const base = await openFileDisk(join(dir, 'base'), { writable: true })
    const overlay = new OverlayDisk({ base, store: await createTempDisk(SIZE, dir), blockSize })
    if (isStaged) await overlay.write(STAGED, 0)
    const race = (other: Disk) => act({ base, overlay, other })
    try {
      await serveRace(dir, overlay, race, reader, legal)
    } finally {
      await overlay.close()
      await base.close()
    }
  })

describe.each(Object.entries(READERS))('a reader that does not read, with %s', (_, reader) => {
  it.each(RACES)('gets the old or the new of 4 KiB blocks that are $what', (race) =>
    onOverlay(4096, race, reader),
  )

  it.each(RACES)('gets the old or the new of 64 KiB blocks that are $what', (race) =>
    onOverlay(65536, race, reader),
  )

  it('gets the old or the new of a file that is written, zeroed and trimmed', () =>
    withTempDir(async (dir) => {
      await writeFile(join(dir, 'f'), STAGED)
      const disk = await openFileDisk(join(dir, 'f'), { writable: true })
      const race = async (other: Disk) => {
        await put(other)
        for (let at = 0; at < HALF; at += 3 * 4096) {
          await other.zero(at, 5000, { mayTrim: at % 8192 === 0 })
          await other.trim(at + 5000, 4096)
        }
      }
      try {
        await serveRace(dir, disk, race, reader, [STAGED, NEW, ZEROES])
      } finally {
        await disk.close()
      }
    }))
})
