// What `platter serve --log` writes down of what real clients ask for.

import { mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { requirePeer, runPeer } from '../engine/testing/peer-process'
import { ensureBuilt, platter, RunningPlatter } from './command.test-helper'

let dir = ''
let image = ''
let server: RunningPlatter | undefined

beforeAll(ensureBuilt, 120_000)
beforeEach(async () => {
  dir = await realpath(await mkdtemp(join(tmpdir(), 'platter-log-')))
  image = join(dir, 'disk.img')
  await writeFile(image, new Uint8Array(4 * 1024 * 1024).fill(0x11))
})
afterEach(async () => {
  await server?.end('SIGKILL')
  await rm(dir, { recursive: true })
})

/** Serves, lets a client do something, and ends; what was said on stderr. */
async function served(log: string): Promise<string> {
  server = new RunningPlatter(
    ['serve', image, '--cow', '--socket', join(dir, 's'), '--log', log],
    dir,
  )
  const uri = await server.firstLine()
  const commands = ['write -P 1 64k 4k', 'read 128k 512', 'write -z 1M 64k', 'flush']
  const args = ['-f', 'raw', uri, ...commands.flatMap((each) => ['-c', each])]
  expect(await runPeer('qemu-io', args)).toMatchObject({ status: 0 })
  const { status, stderr } = await server.end()
  expect(status).toBe(0)
  return stderr
}

const LINES = [
  /^\S+Z client=1 command=WRITE offset=65536 length=4096 flags=\S+ result=ok ms=\d+\.\d{3}$/m,
  / command=READ offset=131072 length=512 flags=- result=ok /,
  / command=WRITE_ZEROES offset=1048576 length=65536 /,
  / command=FLUSH /,
]

describe.skipIf(!requirePeer('qemu-io'))('platter serve --log', () => {
  it('writes every request into a file that is there when it ends', async () => {
    expect(await served('requests.log')).toBe('')
    const text = await readFile(join(dir, 'requests.log'), 'utf8')
    for (const line of LINES) expect(text).toMatch(line)
    expect(
      text
        .trim()
        .split('\n')
        .every((line) => line.split(' ').length === 8),
    ).toBe(true)
  })

  it('writes them to standard error for a dash', async () => {
    const stderr = await served('-')
    for (const line of LINES) expect(stderr).toMatch(line)
  })

  it('does not serve when the file cannot be opened', async () => {
    const log = join(dir, 'no', 'where')
    const { status, stdout, stderr } = await platter(['serve', image, '--port', '0', '--log', log])
    expect([status, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(/^platter: \S+no\/where: cannot open the log of requests: [^\n]+\n$/)
  })
})
