// Lasting overlays as a person and their clients meet them: made, served to qemu and killed, looked at,
// frozen, gone back to; and files of version 1 as somebody else reads them.

import { mkdtemp, open, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Prng } from '../engine/base/prng'
import { expectSameBytes } from '../engine/testing/expect-disk'
import { hasLoopDevices, loopDevice } from '../engine/testing/loop-device'
import { requirePeer, runPeer } from '../engine/testing/peer-process'
import { ensureBuilt, platter, RunningPlatter } from './command.test-helper'

const MIB = 1024 * 1024
const SIZE = 4 * MIB

let dir = ''
let image = ''
let overlay = ''
let content: Buffer
const running: RunningPlatter[] = []

beforeAll(ensureBuilt, 120_000)
beforeEach(async () => {
  dir = await realpath(await mkdtemp(join(tmpdir(), 'platter-overlay-')))
  image = join(dir, 'disk.img')
  overlay = join(dir, 'staged.acow')
  content = Buffer.from(new Prng(1).fill(new Uint8Array(SIZE)))
  await writeFile(image, content)
})
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.end('SIGKILL')))
  expect(Buffer.compare(await readFile(image), content)).toBe(0)
  await rm(dir, { recursive: true })
})

async function serve(...args: string[]): Promise<{ server: RunningPlatter; uri: string }> {
  const socket = join(dir, `s${running.length}`)
  const words = ['serve', image, '--format', 'raw', '--overlay', overlay, '--socket', socket]
  const server = new RunningPlatter([...words, ...args], dir)
  running.push(server)
  return { server, uri: await server.firstLine() }
}

async function done(...args: string[]): Promise<string> {
  const result = await platter(['overlay', ...args])
  expect(result).toMatchObject({ status: 0, stderr: '' })
  return result.stdout
}

const info = async (): Promise<Record<string, unknown>> =>
  JSON.parse(await done('info', overlay, '--json')) as Record<string, unknown>

async function qemuIo(uri: string, ...commands: string[]): Promise<void> {
  const words = commands.flatMap((command) => ['-c', command])
  const result = await runPeer('qemu-io', ['-f', 'raw', uri, ...words])
  expect(result, `${result.stdout}${result.stderr}`).toMatchObject({ status: 0 })
}

/** Everything that the export has, by another program. */
async function copyOf(uri: string): Promise<Buffer> {
  const copy = join(dir, 'copy.img')
  const result = await runPeer('qemu-img', ['convert', '-f', 'raw', '-O', 'raw', uri, copy])
  expect(result).toMatchObject({ status: 0 })
  return readFile(copy)
}

const refused = (args: readonly string[], why: RegExp, status = 1) =>
  expect(platter(args)).resolves.toMatchObject({
    status,
    stdout: '',
    stderr: expect.stringMatching(new RegExp(`^platter: [^\\n]*${why.source}[^\\n]*\\n$`)),
  })

describe.skipIf(!requirePeer('qemu-io'))('a served lasting overlay', () => {
  it('has what a client flushed when its server is killed', async () => {
    const { server, uri } = await serve('--block-size', '4K')
    await qemuIo(
      uri,
      'write -P 0x21 10k 100k',
      'write -z 1M 64k',
      'discard 2M 64k',
      'flush',
      'write -f -P 0x22 3M 512',
    )
    expect(await server.end('SIGKILL')).toMatchObject({ signal: 'SIGKILL' })
    expect(await info()).toMatchObject({ state: 'dirty', blockSize: 4096 })
    const again = await serve()
    await qemuIo(
      again.uri,
      'read -P 0x21 10k 100k',
      'read -P 0 1M 64k',
      'read -P 0 2M 64k',
      'read -P 0x22 3M 512',
    )
    const expected = Buffer.from(content)
    expected.fill(0x21, 10 * 1024, 110 * 1024)
    expected.fill(0, MIB, MIB + 65536)
    expected.fill(0, 2 * MIB, 2 * MIB + 65536)
    expected.fill(0x22, 3 * MIB, 3 * MIB + 512)
    expectSameBytes(await copyOf(again.uri), expected)
    expect(await again.server.end()).toMatchObject({ status: 0, stderr: '' })
    expect(await info()).toMatchObject({ state: 'clean', size: SIZE, version: 2 })
  })

  it('is refused over another image, and when the image changed', async () => {
    await done('create', overlay, '--base', image, '--format', 'raw')
    const other = join(dir, 'other.img')
    await writeFile(other, content)
    const words = ['--format', 'raw', '--overlay', overlay, '--socket', join(dir, 's')]
    await refused(['serve', other, ...words], /staged.acow: the overlay is over .*disk.img, not/, 2)
    const file = await open(image, 'r+')
    await file.write(Buffer.from([content[0]! ^ 1]), 0, 1, 0)
    await refused(
      ['serve', image, ...words],
      /the base of the overlay changed: samples.*--accept-base takes/,
    )
    expect(await info()).toMatchObject({ baseChanged: expect.stringMatching(/samples/) })
    await file.write(content, 0, 1, 0)
    await file.close()
    await refused(['serve', image, ...words], /last written at .* then and at .* now/)
    const { server } = await serve('--accept-base')
    expect(await server.end()).toMatchObject({ status: 0 })
    await (await serve()).server.end()
    const uri = ['serve', 'nbd://localhost/x', ...words]
    await refused(uri, /the base of an overlay that lasts is a file/)
  })

  it('keeps what was read, when it is told to', async () => {
    const { server, uri } = await serve('--copy-on-read')
    await qemuIo(uri, 'read 1M 64k')
    await server.end()
    const { layers } = (await info()) as { layers: { written: number }[] }
    expect(layers[0]?.written).toBe(65536)
  })

  it('tells clients how deep a block lies', async () => {
    await done('create', overlay, '--base', image, '--format', 'raw')
    const first = await serve()
    await qemuIo(first.uri, 'write 0 64k')
    await first.server.end()
    expect(await done('checkpoint', overlay, '--name', 'one')).toBe("made 'one'\n")
    const second = await serve()
    await qemuIo(second.uri, 'write 64k 64k')
    const map = await runPeer('nbdinfo', ['--map=qemu:allocation-depth', second.uri])
    const rows = map.stdout.trim().split('\n')
    expect(rows.map((row) => row.trim().split(/\s+/).slice(0, 3).map(Number))).toEqual([
      [0, 65536, 2],
      [65536, 65536, 1],
      [131072, SIZE - 131072, 3],
    ])
    await second.server.end()
  })
})

describe.skipIf(!hasLoopDevices || !requirePeer('qemu-io'))(
  'an overlay over a block device',
  () => {
    it('is served, committed, and undone again', async () => {
      const { device, file, dispose } = await loopDevice(join(dir, 'loop'), content)
      const raw = async () => new Uint8Array(await readFile(file))
      const socket = join(dir, 'device')
      try {
        await done('create', overlay, '--base', device, '--format', 'raw')
        const words = ['serve', device, '--format', 'raw', '--overlay', overlay, '--socket', socket]
        const server = new RunningPlatter(words, dir)
        running.push(server)
        await qemuIo(await server.firstLine(), 'write -P 0x31 100k 300k', 'write -z 1M 128k')
        expect(await server.end()).toMatchObject({ status: 0 })
        expectSameBytes(await raw(), content)
        const undo = join(dir, 'undo.acow')
        expect(await done('commit', overlay, '--verify', '--undo', undo)).toContain(device)
        const expected = Buffer.from(content)
        expected.fill(0x31, 100 * 1024, 400 * 1024)
        expected.fill(0, MIB, MIB + 128 * 1024)
        expectSameBytes(await raw(), expected)
        await done('commit', undo)
        expectSameBytes(await raw(), content)
      } finally {
        await dispose()
      }
    })
  },
)

describe('platter overlay', () => {
  it('makes, shows, freezes, goes back, merges and discards', async () => {
    expect(await done('create', overlay, '--base', image, '--format', 'raw')).toBe('')
    await refused(['overlay', 'create', overlay, '--base', image], /is there already/)
    const shown = await done('info', overlay)
    expect(shown).toMatch(/^overlay: +.*staged.acow\nversion: +2\nstate: +clean\n/)
    expect(shown).toMatch(/\n {2}1 +0 B +0 B +0 {2}\(current\)\n$/)
    expect(await done('checkpoint', overlay)).toBe("made 'checkpoint 1'\n")
    expect(await done('checkpoint', overlay, '--merge')).toBe("merged into 'checkpoint 1'\n")
    await refused(['overlay', 'checkpoint', overlay, '--back'], /has no checkpoint/, 2)
    expect(await done('checkpoint', overlay, '--name', 'a b')).toBe("made 'a b'\n")
    expect(await done('checkpoint', overlay, '--back')).toBe("gone back to 'a b'\n")
    expect(await done('discard', overlay)).toBe('0 bytes discarded\n')
    expect(await done('resize', overlay, '5M')).toBe('')
    expect(await info()).toMatchObject({ size: 5 * MIB, baseSize: SIZE })
    expect(await done('resize', overlay, '4M')).toBe('')
    await refused(['overlay', 'resize', overlay, '4X'], /size: '4X' is not a size/, 2)
    const range = ['overlay', 'discard', overlay, '--range', '8M+1']
    await refused(range, /outside the disk of 4194304 bytes/)
    await refused(['overlay', 'info', image], /not an overlay file/)
    await refused(['overlay', 'info', join(dir, 'no')], /is not there/)
  })
})

describe.skipIf(!requirePeer('qemu-io'))('an overlay file of version 1', () => {
  /** Bits and image file laid over the base, by what the layout of 2012 says and nothing of ours. */
  async function merged(): Promise<Buffer> {
    const file = await readFile(overlay)
    expect(file.subarray(0, 12).toString('latin1')).toBe('ADD_COW\xff\0\0\0\x01')
    const name = (at: number) => file.subarray(at, file.indexOf(0, at)).toString()
    const base = await readFile(join(dir, name(12)))
    const staged = await readFile(join(dir, name(1036)))
    const result = Buffer.alloc(staged.length)
    base.copy(result)
    for (let sector = 0; sector < staged.length / 512; sector++) {
      const bit = (file[2560 + (sector >> 3)]! >> (sector & 7)) & 1
      if (bit === 1) staged.copy(result, sector * 512, sector * 512, sector * 512 + 512)
    }
    return result
  }

  it('is read by others as qemu sees it served', async () => {
    const size = ['--size', `${SIZE + 512}`]
    await done('create', overlay, '--base', image, '--version', '1', '--format', 'raw', ...size)
    const { server, uri } = await serve()
    await qemuIo(
      uri,
      'write -P 0x31 512 1536',
      'write -P 0x32 1000 3',
      'write -z 1M 100k',
      'discard 3M 10k',
      'write -P 0x33 2M 1M',
      `write -P 0x34 ${SIZE + 100} 412`,
      'flush',
    )
    const seen = await copyOf(uri)
    await server.end('SIGKILL')
    const expected = Buffer.concat([content, Buffer.alloc(512)])
    expected.fill(0x31, 512, 2048)
    expected.fill(0x32, 1000, 1003)
    expected.fill(0, MIB, MIB + 100 * 1024)
    expected.fill(0, 3 * MIB, 3 * MIB + 10 * 1024)
    expected.fill(0x33, 2 * MIB, 3 * MIB)
    expected.fill(0x34, SIZE + 100, SIZE + 512)
    expectSameBytes(seen, expected)
    expectSameBytes(await merged(), expected)
    expect(await info()).toMatchObject({ version: 1, blockSize: 512 })
  })

  it('that somebody else made is served', async () => {
    const file = Buffer.alloc(2560 + SIZE / 512 / 8)
    file.write('ADD_COW\xff\0\0\0\x01', 'latin1')
    file.write('disk.img', 12)
    file.write('other', 1036)
    file[2560] = 0b1000_0001
    file[file.length - 1] = 0b1000_0000
    await writeFile(overlay, file)
    await writeFile(join(dir, 'other'), Buffer.alloc(SIZE, 0x41))
    const { server, uri } = await serve()
    await qemuIo(uri, 'read -P 0x41 0 512', 'read -P 0x41 3584 512', 'write -P 0x42 4k 512')
    expectSameBytes(await copyOf(uri), await merged())
    await server.end()
  })
})
