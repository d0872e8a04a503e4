// A workspace with one page on it, for tests that drive both.

import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EventName, Events } from '../bridge/contract'
import { MemoryChannel } from '../bridge/memory-channel'
import type { ExportInfo, JobInfo, SessionInfo } from '../bridge/model'
import { RpcClient } from '../bridge/rpc-client'
import { answerPage } from './answer-page'
import { Workspace } from './workspace'

export class WatchedWorkspace {
  readonly dir: string
  readonly workspace: Workspace
  readonly page: RpcClient
  readonly #seen: { readonly name: EventName; readonly data: unknown }[] = []

  private constructor(dir: string, workspace: Workspace) {
    this.dir = dir
    this.workspace = workspace
    const [host, channel] = MemoryChannel.pair()
    answerPage(workspace, host, { host: 'browser' })
    this.page = new RpcClient({ channel })
    workspace.hub.subscribe((name, data) => this.#seen.push({ name, data }))
  }

  static async create(): Promise<WatchedWorkspace> {
    const dir = await realpath(await mkdtemp(join(tmpdir(), 'platter-page-')))
    const configDir = join(dir, 'config')
    return new WatchedWorkspace(dir, await Workspace.create({ version: 'test', configDir }))
  }

  /** Every event of that name so far. */
  seen<E extends EventName>(name: E): Events[E][] {
    return this.#seen.filter((event) => event.name === name).map((event) => event.data as Events[E])
  }

  /** The first event from now on that is wanted. */
  next<E extends EventName>(
    name: E,
    wanted: (data: Events[E]) => boolean = () => true,
  ): Promise<Events[E]> {
    return new Promise((resolve) => {
      const stop = this.page.on(name, (data) => {
        if (!wanted(data)) return
        stop()
        resolve(data)
      })
    })
  }

  /** Opens an image and waits until all of it is mapped. */
  async open(locator: string, blockSize?: number): Promise<SessionInfo> {
    const mapped = this.next('job.changed', (job) => job.kind === 'survey' && isOver(job))
    const more = blockSize === undefined ? {} : { blockSize }
    const { value } = await this.page.request('session.open', { locator, ...more })
    await mapped
    return (await this.page.request('session.info', { session: value.id })).value
  }

  async serve(
    session: string,
    more: { readOnly?: boolean; name?: string } = {},
  ): Promise<ExportInfo> {
    const transport = { kind: 'unix', path: join(this.dir, 'export') } as const
    return (await this.page.request('export.start', { session, transport, ...more })).value
  }

  /** Commits everything that is staged, and waits for the end. */
  async commit(session: string): Promise<JobInfo> {
    const ended = this.next('job.changed', (job) => job.kind === 'commit' && isOver(job))
    await this.page.request('commit.start', { session, verify: true })
    return await ended
  }

  async close(): Promise<void> {
    await this.workspace.close()
    await rm(this.dir, { recursive: true, force: true })
  }
}

const isOver = (job: JobInfo) => job.state !== 'running'
