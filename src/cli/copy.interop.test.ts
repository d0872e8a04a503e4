// `platter copy` and `platter compare` as processes: statuses, streams, signals, and a kill in the middle.

import { existsSync } from 'node:fs'
import { mkdtemp, open, readFile, realpath, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isListening, PeerProcess, requirePeer } from '../engine/testing/peer-process'
import { ensureBuilt, platter, RunningPlatter } from './command.test-helper'

const MIB = 1024 * 1024

let dir = ''
beforeAll(async () => {
  await ensureBuilt()
  dir = await realpath(await mkdtemp(join(tmpdir(), 'platter-copy-')))
}, 120_000)
afterAll(() => rm(dir, { recursive: true }))

const at = (name: string) => join(dir, name)
const quiet = { status: 0, stdout: '', stderr: '' }

async function makeImage(name: string, size: number, byte = 7): Promise<string> {
  const file = await open(at(name), 'w')
  await file.truncate(size)
  await file.write(new Uint8Array(size / 2).fill(byte), 0, size / 2, size / 4)
  await file.close()
  return at(name)
}

const refused = (status: number, why: RegExp) => ({
  status,
  stdout: '',
  stderr: expect.stringMatching(new RegExp(`^platter: [^\\n]*${why.source}[^\\n]*\\n$`)),
})

describe('platter copy', () => {
  it('says nothing, and makes a file like the source', async () => {
    const a = await makeImage('a.img', MIB)
    expect(await platter(['copy', a, at('b.img')])).toEqual(quiet)
    expect((await readFile(at('b.img'))).equals(await readFile(a))).toBe(true)
    const words = '--connections 2 --requests 8 --request-size 64K --sparse 0 --no-extents'
    const more = ['--target-is-zero', '--flush', '--format', 'raw']
    expect(await platter(['copy', a, at('b.img'), ...words.split(' '), ...more])).toEqual(quiet)
    expect(await platter(['copy', a, 'null:'])).toEqual(quiet)
  })

  it('tells its progress on stderr alone', async () => {
    const a = await makeImage('a.img', MIB)
    const { status, stdout, stderr } = await platter(['copy', '--progress', a, at('c.img')])
    expect([status, stdout]).toEqual([0, ''])
    expect(stderr).toMatch(/1 MiB of 1 MiB, 100\.0 %/)
  })

  it('is refused in one line', async () => {
    const a = await makeImage('a.img', MIB)
    expect(await platter(['copy', at('none'), at('x')])).toEqual(
      refused(1, /there is no such file/),
    )
    expect(await platter(['copy', a, a])).toEqual(refused(2, /one and the same/))
    expect(await platter(['copy', a, at('x'), '--sparse', '5000'])).toEqual(
      refused(2, /sparse: 5000/),
    )
    expect(await platter(['copy', a])).toEqual(refused(2, /missing required argument 'target'/))
    expect(await platter(['copy', '--resume', a, at('x')])).toEqual(
      refused(1, /no interrupted copy/),
    )
    expect(existsSync(at('x'))).toBe(false)
  })
})

describe.skipIf(!requirePeer('nbdkit'))('a copy that is cut short', () => {
  const SIZE = 24 * MIB

  /** A server that takes some seconds for all of a file, when it is asked for little at a time. */
  async function withSlowServer(path: string, use: (uri: string) => Promise<void>): Promise<void> {
    const socket = at('slow.sock')
    await rm(socket, { force: true })
    const args = ['-f', '-U', socket, '--filter=delay', 'file', path, 'rdelay=40ms']
    const server = await PeerProcess.start('nbdkit', args, () => isListening(socket))
    try {
      await use(`nbd+unix:///?socket=${socket}`)
    } finally {
      await server.stop()
    }
  }

  const slowly = (uri: string, target: string) =>
    `copy ${uri} ${target} --requests 2 --request-size 64K`.split(' ')

  const stateOf = async (target: string): Promise<{ completed: number }> =>
    JSON.parse(await readFile(`${target}.platter-partial.json`, 'utf8'))

  /** Resolves when the copy has noted that something is good. */
  async function noted(target: string, running: RunningPlatter): Promise<number> {
    let ended = false
    void running.ended.then(() => {
      ended = true
    })
    for (;;) {
      const state = await stateOf(target).catch(() => ({ completed: 0 }))
      if (state.completed > 0) return state.completed
      if (ended) throw new Error('the copy ended before it noted anything')
      await turn()
    }
  }

  it.each(['SIGKILL', 'SIGTERM'] as const)(
    'by %s leaves the target alone and goes on with --resume',
    async (signal) => {
      const a = await makeImage('big.img', SIZE)
      const target = at(`resumed-by-${signal}`)
      await writeFile(target, 'old')
      await withSlowServer(a, async (uri) => {
        const running = new RunningPlatter(slowly(uri, target))
        const completed = await noted(target, running)
        running.signal(signal)
        const ended = await running.ended
        if (signal === 'SIGTERM') {
          expect(ended).toMatchObject({ status: 1, signal: null })
          expect(ended.stderr).toMatch(
            /^platter: copy: cancelled; everything before byte \d+ of 25165824 is on the target; .*--resume goes on from there\n$/,
          )
        } else expect(ended.signal).toBe('SIGKILL')
        expect(await readFile(target, 'utf8')).toBe('old')
        const good = (await stateOf(target)).completed
        expect(good).toBeGreaterThanOrEqual(completed)
        const part = (await readFile(`${target}.platter-partial`)).subarray(0, good)
        expect(part.equals((await readFile(a)).subarray(0, good))).toBe(true)
        expect(await platter(['copy', '--resume', uri, target])).toEqual(quiet)
      })
      expect((await readFile(target)).equals(await readFile(a))).toBe(true)
      expect(existsSync(`${target}.platter-partial`)).toBe(false)
      expect(existsSync(`${target}.platter-partial.json`)).toBe(false)
    },
  )

  it('does not go on when the source changed, and begins anew when it is told nothing', async () => {
    const a = await makeImage('big.img', SIZE)
    const target = at('anew')
    await withSlowServer(a, async (uri) => {
      const running = new RunningPlatter(slowly(uri, target))
      await noted(target, running)
      running.signal('SIGKILL')
      await running.ended
      const other = await platter(['copy', '--resume', a, target])
      expect(other).toEqual(refused(1, /is of another source, or the source changed \(.*locator/))
      await makeImage('big.img', SIZE, 8)
      await utimes(a, 1, 1)
      expect(await platter(['copy', '--resume', uri, target])).toEqual(
        refused(1, /the source changed since the copy was interrupted: byte \d+/),
      )
      expect(await platter(['copy', uri, target])).toEqual(quiet)
    })
    expect((await readFile(target)).equals(await readFile(a))).toBe(true)
  })

  it('is not taken over while it runs', async () => {
    const a = await makeImage('big.img', SIZE)
    const target = at('taken')
    await withSlowServer(a, async (uri) => {
      const running = new RunningPlatter(slowly(uri, target))
      while (!existsSync(`${target}.platter-partial.json`)) await turn()
      expect(await platter(['copy', a, target])).toEqual(
        refused(1, /process \d+ is copying into it; nothing was changed/),
      )
      expect(await running.end()).toMatchObject({ status: 1 })
    })
    expect(existsSync(target)).toBe(false)
  })
})

describe('platter compare', () => {
  it('tells nothing but that equal images are the same', async () => {
    const [a, b] = [await makeImage('a.img', MIB), await makeImage('b.img', MIB)]
    expect(await platter(['compare', a, b])).toEqual({
      ...quiet,
      stdout: 'the images are the same\n',
    })
    const json = await platter(['compare', '--json', a, b])
    expect(json.status).toBe(0)
    expect(JSON.parse(json.stdout)).toEqual({
      ranges: [],
      same: true,
      sizes: [MIB, MIB],
      totals: { ranges: 0, length: 0 },
    })
  })

  it('lists what differs, with status 1', async () => {
    const [a, b] = [await makeImage('a.img', MIB), await makeImage('b.img', MIB)]
    const file = await open(b, 'r+')
    await file.write(new Uint8Array([1, 2, 3]), 0, 3, 70_000)
    await file.write(new Uint8Array([9]), 0, 1, 2 * MIB)
    await file.close()
    const text = await platter(['compare', a, b])
    expect(text).toMatchObject({ status: 1, stderr: '' })
    expect(text.stdout.split('\n')).toEqual([
      '       70000           3',
      '     2097152           1',
      'the sizes differ (1,048,576 and 2,097,153 bytes); the shorter one counts as zeroes behind its end',
      '2 ranges differ, 4 bytes',
      '',
    ])
    const json = await platter(['compare', a, b, '--json'])
    expect(JSON.parse(json.stdout)).toMatchObject({
      ranges: [
        { offset: 70_000, length: 3 },
        { offset: 2 * MIB, length: 1 },
      ],
      same: false,
      totals: { ranges: 2, length: 4 },
    })
    const first = await platter(['compare', '--first', '--json', '--no-extents', a, b])
    expect(first.status).toBe(1)
    expect(JSON.parse(first.stdout)).toMatchObject({ ranges: [{ offset: 70_000, length: 3 }] })
    const missing = await platter(['compare', '--json', a, at('none')])
    expect(missing).toEqual(refused(1, /there is no such file/))
    expect((await platter(['compare', a])).status).toBe(2)
  })
})
