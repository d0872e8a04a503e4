// Sessions served over NBD. Every client gets the session's overlay through a layer of its own that
// notes what it does: counters for the list of clients, touches for the map, origins for staged blocks.

import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { ExportId, ExportInfo, SessionId } from '../bridge/model'
import type { Clock } from '../engine/base/clock'
import { PlatterError } from '../engine/base/errors'
import type { Disk } from '../engine/disk/disk'
import { fileError } from '../engine/io/file-errors'
import { listenTransport } from '../engine/io/listen-transport'
import { LogDisk } from '../engine/layers/log'
import { ExportRegistry } from '../engine/nbd/export-registry'
import { NbdServer } from '../engine/nbd/nbd-server'
import type { ListenAddress, Listener } from '../engine/nbd/transport'
import { formatNbdUri } from '../engine/nbd/uri'
import type { EventHub } from './event-hub'
import { overlayContexts } from './overlay-contexts'
import type { Session } from './session'
import { Throttle } from './throttle'

/** How long clients have to finish what is under way when an export stops. */
const GRACE_MS = 5000
const ANNOUNCE_MS = 250

export interface ExportOptions {
  readonly transport:
    | { readonly kind: 'unix'; readonly path?: string | undefined }
    | { readonly kind: 'tcp'; readonly port?: number | undefined }
  readonly name?: string | undefined
  readonly readOnly?: boolean | undefined
}

interface OpenExport {
  readonly id: ExportId
  readonly session: Session
  readonly name: string
  readonly readOnly: boolean
  readonly server: NbdServer
  /** When each client came, by its id. */
  readonly since: ReadonlyMap<number, number>
  readonly listener: Listener
  readonly uri: string
  readonly announce: Throttle
  readonly tempDir: string | undefined
}

export class Exports {
  readonly #hub: EventHub
  readonly #clock: Clock
  readonly #open = new Map<ExportId, OpenExport>()
  readonly #starting = new Set<{ readonly session: SessionId; readonly done: Promise<unknown> }>()

  constructor(hub: EventHub, clock: Clock) {
    this.#hub = hub
    this.#clock = clock
  }

  list(): ExportInfo[] {
    return [...this.#open.values()].map(describeExport)
  }

  clientCount(session: SessionId): number {
    const own = [...this.#open.values()].filter((entry) => entry.session.id === session)
    return own.reduce((sum, entry) => sum + entry.server.clients.length, 0)
  }

  async start(session: Session, options: ExportOptions): Promise<ExportInfo> {
    const done = this.#start(session, options)
    const starting = { session: session.id, done: done.catch(() => undefined) }
    this.#starting.add(starting)
    try {
      return await done
    } finally {
      this.#starting.delete(starting)
    }
  }

  async #start(session: Session, options: ExportOptions): Promise<ExportInfo> {
    const id = `export-${randomBytes(4).toString('hex')}`
    const name = options.name ?? ''
    const readOnly = options.readOnly === true
    const announce = new Throttle(this.#clock, ANNOUNCE_MS, () => {
      const entry = this.#open.get(id)
      if (entry !== undefined) this.#hub.emit('export.changed', describeExport(entry))
    })
    const registry = new ExportRegistry()
    registry.add({
      name,
      description: session.image.info.name,
      disk: session.overlay,
      readOnly,
      contexts: overlayContexts(session.overlay),
      open: ({ id: client }) => watchClient(session, clientName(client), announce),
    })
    const since = new Map<number, number>()
    const server = new NbdServer({
      exports: registry,
      clock: this.#clock,
      onClient: (client) => {
        since.set(client.id, Date.now())
        announce.request()
      },
      onClientGone: (client) => {
        since.delete(client.id)
        announce.request()
      },
    })
    const { address, tempDir } = await settleAddress(options.transport)
    try {
      const listener = await listenTransport(address, (transport) => server.accept(transport))
      const uri = formatNbdUri(listener.address, name)
      const entry = { id, session, name, readOnly, server, since, listener, uri, announce, tempDir }
      this.#open.set(id, entry)
      const info = describeExport(entry)
      this.#hub.emit('export.changed', info)
      return info
    } catch (error) {
      if (tempDir !== undefined) await rm(tempDir, { recursive: true, force: true })
      throw error
    }
  }

  async stop(id: ExportId): Promise<void> {
    const entry = this.#open.get(id)
    if (entry === undefined) throw new PlatterError('BAD_REQUEST', `there is no export '${id}'`)
    this.#open.delete(id)
    entry.announce.stop()
    await entry.listener.close()
    await entry.server.shutdown(GRACE_MS)
    if (entry.tempDir !== undefined) await rm(entry.tempDir, { recursive: true, force: true })
    this.#hub.emit('export.stopped', { export: id, session: entry.session.id })
  }

  async stopAll(session?: SessionId): Promise<void> {
    const isOwn = (id: SessionId) => session === undefined || id === session
    // One that is about to listen would be open after we thought that none was.
    const starting = [...this.#starting].filter((entry) => isOwn(entry.session))
    await Promise.all(starting.map((entry) => entry.done))
    const own = [...this.#open.values()].filter((entry) => isOwn(entry.session.id))
    await Promise.all(own.map((entry) => this.stop(entry.id)))
  }
}

/** A private directory of its own keeps the socket from everybody else and its name free. */
async function settleAddress(
  transport: ExportOptions['transport'],
): Promise<{ address: ListenAddress; tempDir: string | undefined }> {
  if (transport.kind === 'tcp') {
    const address = { kind: 'tcp', host: '127.0.0.1', port: transport.port ?? 0 } as const
    return { address, tempDir: undefined }
  }
  if (transport.path !== undefined) {
    // Absolute, so that the URI leads there from every directory.
    return { address: { kind: 'unix', path: resolve(transport.path) }, tempDir: undefined }
  }
  const tempDir = await makePrivateDir()
  return { address: { kind: 'unix', path: join(tempDir, 'nbd.sock') }, tempDir }
}

async function makePrivateDir(): Promise<string> {
  const ofSession = process.env['XDG_RUNTIME_DIR']
  // It may name a directory that is another person's (after sudo), or gone.
  const made = ofSession && (await mkdtemp(join(ofSession, 'platter-')).catch(() => undefined))
  if (made) return made
  const path = join(tmpdir(), 'platter-')
  return await mkdtemp(path).catch((error: unknown) => {
    throw fileError(error, path, 'cannot make a directory for the socket')
  })
}

const clientName = (id: number) => `client ${id}`

const SHOWN_VERBS = ['read', 'write', 'zero', 'trim'] as const
const isShown = (operation: string): operation is (typeof SHOWN_VERBS)[number] =>
  (SHOWN_VERBS as readonly string[]).includes(operation)

/** The session's overlay as one client sees it: the same bytes, with what it does noted. */
function watchClient(session: Session, client: string, announce: Throttle): Disk {
  return new LogDisk({
    disk: session.overlay,
    onDone: ({ operation, offset, length }, error) => {
      if (error !== undefined) session.noteFailure(error)
      if (error !== undefined || !isShown(operation)) return
      const range = { offset, length }
      session.activity.note(operation, range)
      if (operation !== 'read') session.noteOrigin(range, client)
      session.noteTouches()
      announce.request()
    },
  })
}

function describeExport(entry: OpenExport): ExportInfo {
  return {
    id: entry.id,
    session: entry.session.id,
    uri: entry.uri,
    name: entry.name,
    readOnly: entry.readOnly,
    clients: entry.server.clients.map((client) => ({
      id: client.id,
      name: clientName(client.id),
      since: entry.since.get(client.id) ?? 0,
      reads: client.reads,
      writes: client.writes,
      bytesRead: client.readBytes,
      bytesWritten: client.writtenBytes,
    })),
  }
}
