// Starting and stopping exports: where they listen, what they leave, and what happens when both are asked
// for at once. What clients do to them is in exports.interop.test.ts.

import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ExportOptions } from '../bridge/contract'
import type { PlatterError } from '../engine/base/errors'
import { parseNbdUri } from '../engine/nbd/uri'
import { WatchedWorkspace } from './page.test-helper'

let watched: WatchedWorkspace
let session = ''
beforeEach(async () => {
  watched = await WatchedWorkspace.create()
  const image = join(watched.dir, 'disk.img')
  await writeFile(image, new Uint8Array(65536).fill(1))
  session = (await watched.open(image)).id
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await watched.close()
})

const exportsNow = async () => (await watched.page.request('host.hello', {})).value.exports

function socketOf(uri: string): string {
  const { address } = parseNbdUri(uri)
  return address.kind === 'unix' ? address.path : ''
}

describe('an export', () => {
  it('has a socket in a private directory of its own, and takes both away', async () => {
    vi.stubEnv('XDG_RUNTIME_DIR', watched.dir)
    const transport = { kind: 'unix' } as const
    const { value: first } = await watched.page.request('export.start', { session, transport })
    const { value: second } = await watched.page.request('export.start', { session, transport })
    const sockets = [socketOf(first.uri), socketOf(second.uri)]
    expect(sockets[0]).not.toBe(sockets[1])
    expect(sockets.every((path) => path.startsWith(watched.dir) && existsSync(path))).toBe(true)
    await watched.page.request('export.stop', { export: first.id })
    await watched.page.request('export.stop', { export: second.id })
    expect(sockets.some((path) => existsSync(dirname(path)))).toBe(false)
    expect(await exportsNow()).toEqual([])
  })

  it('finds another place where the session has no directory for sockets', async () => {
    vi.stubEnv('XDG_RUNTIME_DIR', join(watched.dir, 'gone'))
    const transport = { kind: 'unix' } as const
    const { value } = await watched.page.request('export.start', { session, transport })
    expect(existsSync(socketOf(value.uri))).toBe(true)
  })

  it('has an absolute path in its URI, wherever the host was started', async () => {
    const path = relative(process.cwd(), join(watched.dir, 'a b'))
    const transport = { kind: 'unix', path } as const
    const { value } = await watched.page.request('export.start', { session, transport })
    expect(socketOf(value.uri)).toBe(join(watched.dir, 'a b'))
  })

  it('is refused where another one listens or a file is in the way, and leaves nothing', async () => {
    const { id } = await watched.serve(session)
    await expect(watched.serve(session)).rejects.toMatchObject({ code: 'ADDRESS_IN_USE' })
    await mkdir(join(watched.dir, 'folder'))
    const transport = { kind: 'unix', path: join(watched.dir, 'folder') } as const
    await expect(
      watched.page.request('export.start', { session, transport }),
    ).rejects.toMatchObject({ code: 'ALREADY_EXISTS' })
    expect((await exportsNow()).map((entry) => entry.id)).toEqual([id])
  })

  it('is refused with the field that is wrong', async () => {
    const fieldOf = (options: Partial<ExportOptions>) =>
      watched.page
        .request('export.start', { session, transport: { kind: 'unix' }, ...options })
        .then(
          () => 'started',
          (error: PlatterError) => [error.data['field'], error.code],
        )
    const tcp = (more: object) => ({ transport: { kind: 'tcp', ...more } as const })
    const { uri } = (await watched.page.request('export.start', { session, ...tcp({ port: 0 }) }))
      .value
    const port = Number(/:(\d+)\//.exec(uri)?.[1])
    const keys = join(watched.dir, 'keys')
    await writeFile(keys, 'alice:not hexadecimal')
    const tls = (more: object) => ({ tls: { mode: 'required', ...more } as const })
    const path = join(watched.dir, 'no', 'where')
    expect(await fieldOf({ transport: { kind: 'unix', path } })).toEqual(['path', 'NOT_FOUND'])
    expect(await fieldOf(tcp({ port }))).toEqual(['port', 'ADDRESS_IN_USE'])
    expect(await fieldOf(tcp({ host: '192.0.2.1' }))).toEqual(['host', 'NOT_FOUND'])
    expect(await fieldOf({ name: '\u20ac'.repeat(4000) })).toEqual(['name', 'NOT_SUPPORTED'])
    const long = { description: '\u20ac'.repeat(4000) }
    expect(await fieldOf(long)).toEqual(['description', 'BAD_REQUEST'])
    expect(await fieldOf(tls({ pskFile: keys }))).toEqual(['pskFile', 'BAD_REQUEST'])
    expect(await fieldOf(tls({ pskFile: path }))).toEqual(['pskFile', 'NOT_FOUND'])
    expect(await fieldOf(tls({ certificates: watched.dir }))).toEqual(['certificates', 'NOT_FOUND'])
    expect(await fieldOf(tls({}))).toEqual(['certificates', 'BAD_REQUEST'])
    expect((await exportsNow()).length).toBe(1)
  })

  it('that starts while its session closes is not left open', async () => {
    const started = watched.serve(session).then(
      (info) => info.uri,
      () => undefined,
    )
    await watched.page.request('session.close', { session, discard: true })
    const uri = await started
    expect(await exportsNow()).toEqual([])
    expect(uri === undefined || !existsSync(socketOf(uri))).toBe(true)
  })

  it('is stopped once, and unknown afterwards', async () => {
    const { id } = await watched.serve(session)
    const stops = await Promise.allSettled(
      [1, 2].map(() => watched.page.request('export.stop', { export: id })),
    )
    expect(stops.map((stop) => stop.status)).toEqual(['fulfilled', 'rejected'])
    expect(watched.seen('export.stopped')).toEqual([{ export: id, session }])
  })
})
