// Every kind of disk that is served, under four connections at once that read, write, zero, trim, flush
// and ask, in ranges that meet each other, against a model of its bytes. Now and then one of them takes
// nothing from its connection for a while, so that what it asked for waits while others change it.

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Prng } from '../engine/base/prng'
import { alignDown, alignUp } from '../engine/base/ranges'
import type { Disk } from '../engine/disk/disk'
import { MemoryDisk } from '../engine/disk/memory-disk'
import { dialTransport } from '../engine/io/dial-transport'
import { openFileDisk } from '../engine/io/file-disk'
import { listenTransport } from '../engine/io/listen-transport'
import { systemClock } from '../engine/io/system-clock'
import { createTempDisk } from '../engine/io/temp-disk'
import { tlsClient } from '../engine/io/tls-client'
import type { TlsKeys } from '../engine/io/tls-keys.test-helper'
import { makeTlsKeys } from '../engine/io/tls-keys.test-helper'
import { tlsServer } from '../engine/io/tls-server'
import { commitOverlay } from '../engine/layers/commit'
import { OverlayDisk } from '../engine/layers/overlay'
import { ReadOnlyDisk } from '../engine/layers/read-only'
import { SliceDisk } from '../engine/layers/slice'
import { ExportRegistry } from '../engine/nbd/export-registry'
import type { NbdDisk } from '../engine/nbd/nbd-disk'
import { openNbdDisk } from '../engine/nbd/nbd-disk'
import { NbdServer } from '../engine/nbd/nbd-server'
import type { ListenAddress, Transport } from '../engine/nbd/transport'
import { isListening, PeerProcess, requirePeer } from '../engine/testing/peer-process'
import type { OtherCall, SharedUser } from '../engine/testing/shared-disk-run'
import { runSharedDisk } from '../engine/testing/shared-disk-run'
import { jittery } from '../engine/testing/turn-clock'

const SIZE = 1 << 20
const BLOCK = 65536
const STEPS = 300

type Replies = 'simple' | 'structured' | 'extended'
const ALL_REPLIES: readonly Replies[] = ['simple', 'structured', 'extended', 'extended']

/** A served disk, what it holds, and what ends it. */
interface Subject {
  readonly disk: Disk
  readonly content: Uint8Array
  readonly others?: (prng: Prng) => OtherCall
  readonly close: () => Promise<unknown>
}

interface Served {
  readonly address: ListenAddress
  close(): Promise<void>
}

let dir = ''
let keys: TlsKeys | undefined
const hasTls = requirePeer('openssl')

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'platter-model-'))
  await mkdir(join(dir, 'keys'))
  if (hasTls) keys = await makeTlsKeys(join(dir, 'keys'))
})

afterAll(() => rm(dir, { recursive: true, force: true }))

let lastName = 0
const freshPath = () => join(dir, `n${++lastName}`)

/** Random bytes, with zeroes in the middle. */
function start(seed = 1, size = SIZE): Uint8Array {
  const bytes = new Prng(seed).fill(new Uint8Array(size))
  return bytes.fill(0, size / 4, size / 2)
}

async function serve(disk: Disk, address: ListenAddress, isEncrypted = false): Promise<Served> {
  const exports = new ExportRegistry()
  exports.add({ name: '', disk, readOnly: !disk.capabilities.write })
  const certificates = keys?.server
  const tls = isEncrypted ? await tlsServer({ mode: 'required', certificates }) : undefined
  const server = new NbdServer({ exports, clock: systemClock, sendHoles: true, tls })
  const listener = await listenTransport(address, (transport) => server.accept(transport))
  return {
    address: listener.address,
    close: async () => {
      await listener.close()
      await server.shutdown(2000)
    },
  }
}

async function openUser(
  address: ListenAddress,
  replies: Replies,
  isEncrypted = false,
  connections = 1,
): Promise<SharedUser & { readonly disk: NbdDisk }> {
  const connected: Transport[] = []
  const dial = async (signal?: AbortSignal) => {
    const transport = await dialTransport(address, { timeoutMs: 5000, signal })
    connected.push(transport)
    return transport
  }
  const target = { wish: 'required', type: 'x509', verifyPeer: true } as const
  const certificates = keys?.bare ?? ''
  const disk = await openNbdDisk({
    dial,
    exportName: '',
    clock: systemClock,
    replies,
    connections,
    ...(isEncrypted
      ? {
          tls: {
            wish: target.wish,
            secure: await tlsClient({ ...target, hostname: 'localhost', certificates }),
          },
        }
      : {}),
  })
  if (isEncrypted) return { disk }
  const each = (act: (transport: Transport) => void) => () => connected.forEach(act)
  return { disk, pause: each((one) => one.pause()), resume: each((one) => one.resume()) }
}

async function fileOf(content: Uint8Array, options = {}): Promise<Disk> {
  const path = freshPath()
  await writeFile(path, content)
  return openFileDisk(path, { writable: true, ...options })
}

/** What it is asked takes turns of the event loop, so that all of it meets; what lies where is still told. */
const slowly = (disk: Disk, seed: number): Disk =>
  Object.assign(jittery(disk, new Prng(seed), 12), { placed: disk.placed })

async function overlayOn(base: Disk, blockSize: number, content: Uint8Array): Promise<OverlayDisk> {
  const file = await createTempDisk(alignUp(content.length, blockSize), dir)
  const store = slowly(file, blockSize)
  const closeStore = store.close.bind(store)
  store.close = () => closeStore().then(() => file.close())
  return new OverlayDisk({ base: slowly(base, 5), store, blockSize, size: content.length })
}

/** Discards whole blocks while everything else goes on. */
function discarding(overlay: OverlayDisk, base: Uint8Array) {
  const block = overlay.overlayBlockSize
  return (prng: Prng): OtherCall => {
    const offset = alignDown(prng.below(SIZE), block)
    const wanted = alignUp(1 + prng.below(SIZE / 8), block)
    const length = Math.min(wanted, SIZE - offset)
    return {
      change: { offset, length, bytes: base.subarray(offset, offset + length) },
      run: () => overlay.discard([{ offset, length }]),
    }
  }
}

/** Commits, one at a time: the bytes of the overlay stay what they are. */
function committing(overlay: OverlayDisk, target: Disk) {
  let last: Promise<unknown> = Promise.resolve()
  return (): OtherCall => ({
    run: () => {
      last = last.then(() => commitOverlay({ overlay, target, verify: false }))
      return last
    },
  })
}

async function onFile(blockSize: number, isCommitted: boolean): Promise<Subject> {
  const content = start()
  const base = await fileOf(content)
  const overlay = await overlayOn(base, blockSize, content)
  const others = isCommitted ? committing(overlay, base) : discarding(overlay, content)
  const close = async () => {
    await overlay.close()
    await base.close()
  }
  return { disk: overlay, content, others, close }
}

/** Nothing of it lies in a file, so every read is made. */
async function inMemory(): Promise<Subject> {
  const content = start()
  const base = MemoryDisk.from(content, { readOnly: true })
  const store = slowly(new MemoryDisk(SIZE), 6)
  const overlay = new OverlayDisk({ base: slowly(base, 7), store, blockSize: 4096 })
  const close = () => overlay.close()
  return { disk: overlay, content, others: discarding(overlay, content), close }
}

/** An overlay over a disk of nbdkit's. */
async function onNbdkit(): Promise<Subject> {
  const path = freshPath()
  const args = ['-f', '-U', path, 'memory', `size=${SIZE}`]
  const peer = await PeerProcess.start('nbdkit', args, () => isListening(path))
  const { disk: base } = await openUser({ kind: 'unix', path }, 'structured')
  const content = start()
  await base.write(content, 0)
  const overlay = await overlayOn(base, 4096, content)
  const close = async () => {
    await overlay.close()
    await base.close()
    await peer.stop()
  }
  return { disk: overlay, content, others: discarding(overlay, content), close }
}

/** Our client's disk, of what another server of ours serves. */
async function behindNbd(): Promise<Subject> {
  const file = await fileOf(start())
  const inner = await serve(file, { kind: 'unix', path: freshPath() })
  const { disk } = await openUser(inner.address, 'extended')
  const close = async () => {
    await disk.close()
    await inner.close()
    await file.close()
  }
  return { disk, content: start(), close }
}

const plain = (disk: Disk, content = start()): Subject => ({
  disk,
  content,
  close: () => disk.close(),
})

async function sliceOfFile(): Promise<Subject> {
  const whole = start(2, SIZE + 3 * BLOCK)
  const file = await fileOf(whole)
  const offset = BLOCK + 4096
  const disk = new SliceDisk({ disk: file, offset, length: SIZE })
  const close = () => disk.close().then(() => file.close())
  return { disk, content: whole.slice(offset, offset + SIZE), close }
}

async function readOnlyOverlay(): Promise<Subject> {
  const base = await fileOf(start())
  const overlay = await overlayOn(base, 4096, start())
  const content = start()
  await overlay.write(content.subarray(5000, 300_000), 100_000)
  content.set(content.slice(5000, 300_000), 100_000)
  await overlay.zero(600_000, 200_000)
  content.fill(0, 600_000, 800_000)
  const disk = new ReadOnlyDisk(overlay)
  const close = async () => {
    await disk.close()
    await overlay.close()
    await base.close()
  }
  return { disk, content, close }
}

const SUBJECTS: Record<string, () => Promise<Subject>> = {
  memory: async () => plain(MemoryDisk.from(start())),
  'a file': async () => plain(await fileOf(start())),
  'a file that may wait for its writes': async () =>
    plain(await fileOf(start(), { mayWait: true })),
  'a slice of a file': sliceOfFile,
  'an overlay of 4 KiB blocks, and discards': () => onFile(4096, false),
  'an overlay of 64 KiB blocks, and discards': () => onFile(BLOCK, false),
  'an overlay of 4 KiB blocks, and commits': () => onFile(4096, true),
  'an overlay of 64 KiB blocks, and commits': () => onFile(BLOCK, true),
  'an overlay in memory, and discards': inMemory,
  'an NBD disk': behindNbd,
}

interface Way {
  readonly steps?: number
  readonly seed?: number
  readonly isTcp?: boolean
  readonly isEncrypted?: boolean
}

async function run(make: () => Promise<Subject>, way: Way = {}) {
  const { isEncrypted = false } = way
  const subject = await make()
  const isUnix = way.isTcp !== true && !isEncrypted
  const served = await serve(
    subject.disk,
    isUnix ? { kind: 'unix', path: freshPath() } : { kind: 'tcp', host: '127.0.0.1', port: 0 },
    isEncrypted,
  )
  // The last of them spreads its calls over two connections.
  const opening = ALL_REPLIES.map((replies, i) =>
    openUser(served.address, replies, isEncrypted, i === ALL_REPLIES.length - 1 ? 2 : 1),
  )
  const users = await Promise.all(opening)
  try {
    const { content, others } = subject
    const { steps = STEPS, seed = 1 } = way
    const counts = await runSharedDisk({
      ...{ users, seed, steps, content },
      ...(others === undefined ? {} : { others }),
    })
    expect(counts).toMatchObject({ calls: steps })
    if (!isEncrypted) expect(counts.pauses).toBeGreaterThan(0)
    expect(counts.zeroBytes).toBeGreaterThan(0)
    if (!subject.disk.capabilities.write) return
    expect(counts.meetings).toBeGreaterThan(steps / 40)
    expect(counts.racedReads).toBeGreaterThan(steps / 40)
  } finally {
    for (const { disk, resume } of users) {
      resume?.()
      await disk.close()
    }
    await served.close()
    await subject.close()
  }
}

describe('a disk that is served is what four clients at once made of it', () => {
  it.each(Object.entries(SUBJECTS))('%s', (_, make) => run(make))

  it.runIf(requirePeer('nbdkit'))('an overlay over an NBD disk', () => run(onNbdkit))

  it('a disk that is read-only', () => run(readOnlyOverlay, { steps: 300 }))

  it.each(['a file', 'an overlay of 4 KiB blocks, and discards'])('over TCP: %s', (kind) =>
    run(SUBJECTS[kind] as () => Promise<Subject>, { isTcp: true, seed: 2 }),
  )

  it.runIf(hasTls).each(['a file', 'an overlay of 64 KiB blocks, and commits'])(
    'over TLS: %s',
    (kind) => run(SUBJECTS[kind] as () => Promise<Subject>, { isEncrypted: true, seed: 3 }),
  )
})
