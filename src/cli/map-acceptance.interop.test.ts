// The picture is the same whoever draws it: `platter map`, nbdinfo on the same disk, nbdinfo on what
// Platter serves, and the totals that the window's legend shows.

import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MemoryChannel } from '../bridge/memory-channel'
import type { SessionInfo } from '../bridge/model'
import { RpcClient } from '../bridge/rpc-client'
import { Prng } from '../engine/base/prng'
import { PeerProcess, requirePeer, runPeer } from '../engine/testing/peer-process'
import { answerPage } from '../workspace/answer-page'
import { Workspace } from '../workspace/workspace'
import { ensureBuilt, platter, RunningPlatter } from './command.test-helper'

const PEERS = ['mke2fs', 'nbdinfo', 'nbdkit', 'qemu-img', 'qemu-io', 'qemu-nbd']

let dir = ''
const servers: PeerProcess[] = []
beforeAll(async () => {
  await ensureBuilt()
  dir = await realpath(await mkdtemp(join(tmpdir(), 'platter-map-')))
}, 120_000)
afterAll(async () => {
  for (const server of servers) await server.stop()
  await rm(dir, { recursive: true })
})

interface Extent {
  readonly offset: number
  readonly length: number
  readonly type: number
  readonly description?: string
}

/** Neighbours of one type as one: nbdinfo prints what each reply held. */
function merged(extents: readonly Extent[]): Extent[] {
  const result: Extent[] = []
  for (const extent of extents) {
    const last = result.at(-1)
    if (last?.type === extent.type && last.offset + last.length === extent.offset) {
      result[result.length - 1] = { ...last, length: last.length + extent.length }
    } else result.push(extent)
  }
  return result
}

async function run(command: string, ...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await runPeer(command, args)
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${status} ${stderr}`)
  return stdout
}

const json = async (command: string, ...args: string[]) => JSON.parse(await run(command, ...args))
const theirMap = async (uri: string): Promise<Extent[]> =>
  merged(await json('nbdinfo', '--map', '--json', uri))

async function ourMap(locator: string): Promise<Extent[]> {
  const { status, stdout, stderr } = await platter(['map', '--json', locator])
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  return JSON.parse(stdout) as Extent[]
}

async function startServer(name: string, command: string, args: string[]): Promise<string> {
  const socket = join(dir, `${name}.sock`)
  const all = command === 'nbdkit' ? ['-f', '-U', socket, ...args] : [...args, '-k', socket]
  servers.push(await PeerProcess.start(command, all, () => existsSync(socket)))
  return `nbd+unix:///?socket=${socket}`
}

/** A file system with files of many sizes in it, as mke2fs lays them out. */
async function makeExt4(): Promise<string> {
  const tree = join(dir, 'tree')
  await mkdir(join(tree, 'sub'), { recursive: true })
  const prng = new Prng(11)
  for (let i = 0; i < 40; i++) {
    const bytes = prng.fill(new Uint8Array(prng.below(300_000)))
    await writeFile(join(tree, i % 2 === 0 ? 'sub' : '.', `file-${i}`), bytes)
  }
  const path = join(dir, 'ext4.img')
  await run('mke2fs', '-q', '-t', 'ext4', '-d', tree, path, '64M')
  return path
}

async function makeQcow2(): Promise<string> {
  const path = join(dir, 'disk.qcow2')
  await run('qemu-img', 'create', '-q', '-f', 'qcow2', path, '256M')
  const commands = [
    'write -P 1 0 1M',
    'write -P 2 10M 300k',
    'write -z 20M 2M',
    'write -P 3 64M 64k',
    'discard 64M 64k',
    'write -P 4 100M 3M',
    'write -z -u 101M 1M',
    'write -P 5 255M 1M',
  ]
  await run('qemu-io', '-f', 'qcow2', ...commands.flatMap((command) => ['-c', command]), path)
  return path
}

interface Case {
  /** Where nbdinfo finds the disk. */
  readonly uri: string
  /** All the ways in which Platter finds it. */
  readonly locators: readonly string[]
}

const CASES: [string, () => Promise<Case>][] = [
  [
    'an ext4 image',
    async () => {
      const path = await makeExt4()
      const uri = await startServer('ext4', 'nbdkit', ['-r', 'file', path])
      return { uri, locators: [path, uri] }
    },
  ],
  [
    'nbdkit pattern',
    async () => {
      const uri = await startServer('pattern', 'nbdkit', ['pattern', '1G'])
      return { uri, locators: [uri] }
    },
  ],
  [
    'nbdkit sparse-random',
    async () => {
      const uri = await startServer('sparse', 'nbdkit', ['sparse-random', 'size=1G', 'seed=3'])
      return { uri, locators: [uri] }
    },
  ],
  [
    'a qcow2 image',
    async () => {
      const path = await makeQcow2()
      const args = ['-r', '-t', '-e', '8', '-f', 'qcow2', path]
      const uri = await startServer('qcow2', 'qemu-nbd', args)
      return { uri, locators: [uri] }
    },
  ],
]

/** The session's own numbers once all of it is mapped, as a page gets them. */
async function sessionOf(locator: string): Promise<SessionInfo> {
  const workspace = await Workspace.create({ version: 'test', configDir: join(dir, 'config') })
  const [host, channel] = MemoryChannel.pair()
  answerPage(workspace, host, { host: 'browser' })
  const page = new RpcClient({ channel })
  const mapped = new Promise<void>((resolve) => {
    page.on('job.changed', (job) => {
      if (job.kind === 'survey' && job.state === 'done') resolve()
    })
  })
  const { value: opened } = await page.request('session.open', { locator })
  await mapped
  const { value: info } = await page.request('session.info', { session: opened.id })
  await workspace.close()
  return info
}

describe.skipIf(!PEERS.map(requirePeer).every(Boolean))('the map', () => {
  it.each(CASES)('of %s is nbdinfo’s, in every way in and in the legend', async (_name, start) => {
    const { uri, locators } = await start()
    const theirs = await theirMap(uri)
    const totals = await json('nbdinfo', '--map', '--totals', '--json', uri)
    const bytesOf = (type: number) =>
      (totals as { size: number; type: number }[]).find((row) => row.type === type)?.size ?? 0
    for (const locator of locators) {
      expect(await ourMap(locator)).toEqual(theirs)
      const ours = await platter(['map', '--totals', '--json', locator])
      expect(JSON.parse(ours.stdout)).toEqual(totals)
      const info = await sessionOf(locator)
      expect(info).toMatchObject({
        surveyed: 1,
        totals: { data: bytesOf(0), zero: bytesOf(2), hole: bytesOf(3), unknown: 0 },
      })
    }
    const served = new RunningPlatter(['serve', locators[0] as string, '--port', '0'])
    const own = await served.firstLine()
    expect(await theirMap(own)).toEqual(theirs)
    expect(await json('nbdinfo', '--map', '--totals', '--json', own)).toEqual(totals)
    await served.end()
  })
})
