// Two who would write to one image: the second is refused, whoever the two are.

import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { hasHoleCalls } from '../engine/io/hole-libc'
import { requirePeer, runPeer } from '../engine/testing/peer-process'
import { ensureBuilt, platter, RunningPlatter } from './command.test-helper'

let dir = ''
let image = ''
let server: RunningPlatter | undefined

beforeAll(ensureBuilt, 120_000)
beforeEach(async () => {
  dir = await realpath(await mkdtemp(join(tmpdir(), 'platter-in-use-')))
  image = join(dir, 'disk.img')
  await writeFile(image, new Uint8Array(65_536).fill(0x11))
})
afterEach(async () => {
  await server?.end('SIGKILL')
  server = undefined
  await rm(dir, { recursive: true })
})

async function serve(...args: string[]): Promise<void> {
  server = new RunningPlatter(['serve', image, '--socket', join(dir, 's'), ...args], dir)
  await server.firstLine()
}

const second = (...args: string[]) => platter(['serve', image, '--socket', join(dir, 't'), ...args])

const qemuWrite = () => runPeer('qemu-io', ['-f', 'raw', '-c', 'write 0 512', image])

describe.skipIf(!hasHoleCalls())('an image that one Platter serves for writing', () => {
  it('is refused to a second that would write, by the name of the first', async () => {
    await serve('--writable')
    const { status, stdout, stderr } = await second('--writable')
    expect([status, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(
      new RegExp(
        `^platter: ${image}: cannot be written: \\S+ \\(process ${server?.pid}\\) has it open for writing; nothing was changed\\n$`,
      ),
    )
  })

  it('is shown by a second, which says that it may change', async () => {
    await serve('--writable')
    const { status, stdout } = await platter(['info', image])
    expect(status).toBe(0)
    expect(stdout).toMatch(/note: .*has it open for writing: what is shown may be out of date/)
  })

  it('is served for reading by a second, with a warning', async () => {
    await serve('--writable')
    const other = new RunningPlatter(['serve', image, '--socket', join(dir, 't')], dir)
    expect(await other.firstLine()).toContain('nbd+unix:')
    const { status, stderr } = await other.end()
    expect(status).toBe(0)
    expect(stderr).toMatch(
      new RegExp(
        `^platter: warning: ${image}: \\S+ \\(process ${server?.pid}\\) has it open for writing: [^\\n]*\\n$`,
      ),
    )
  })

  it.skipIf(!requirePeer('qemu-io'))('is refused to QEMU until the server is gone', async () => {
    await serve('--writable')
    expect((await qemuWrite()).stderr).toMatch(/Failed to get .*lock/)
    await server?.end('SIGKILL')
    expect((await qemuWrite()).stdout).toContain('wrote 512/512')
  })
})

describe.skipIf(!hasHoleCalls())('an image that one Platter serves for reading', () => {
  it.each([[[]], [['--cow']]])('is neither refused to QEMU nor to a second (%j)', async (args) => {
    await serve(...args)
    const { stdout } = await platter(['info', image])
    expect(stdout).not.toContain('note: ')
    if (requirePeer('qemu-io')) expect((await qemuWrite()).stdout).toContain('wrote 512/512')
  })
})
