// Sessions served over NBD. Every client gets the session's overlay through a layer of its own that
// notes what it does: touches for the map, origins for staged blocks. The server itself counts for the
// list of clients and keeps the newest requests for the log.

import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { ExportOptions } from '../bridge/contract'
import type { ExportId, ExportInfo, SessionId } from '../bridge/model'
import { utf8 } from '../engine/base/bytes'
import type { Clock } from '../engine/base/clock'
import { PlatterError } from '../engine/base/errors'
import type { Disk } from '../engine/disk/disk'
import { listenTransport } from '../engine/io/listen-transport'
import { tlsServer } from '../engine/io/tls-server'
import { LogDisk } from '../engine/layers/log'
import { ExportRegistry } from '../engine/nbd/export-registry'
import { MAX_STRING } from '../engine/nbd/limits'
import { NbdServer } from '../engine/nbd/nbd-server'
import type { ServerTls } from '../engine/nbd/session-greeting'
import type { Listener } from '../engine/nbd/transport'
import { formatNbdUri } from '../engine/nbd/uri'
import { clientName, describeExport, describeTls } from './describe-export'
import type { EventHub } from './event-hub'
import { fieldOfListening, settlePlace, withField } from './export-place'
import { overlayContexts } from './overlay-contexts'
import { RequestFeed } from './request-feed'
import type { Session } from './session'
import { Throttle } from './throttle'

/** How long clients have to finish what is under way when an export stops. */
const GRACE_MS = 5000
const ANNOUNCE_MS = 250

interface OpenExport {
  readonly id: ExportId
  readonly session: Session
  readonly server: NbdServer
  readonly feed: RequestFeed
  readonly listener: Listener
  readonly announce: Throttle
  readonly tempDir: string | undefined
  describe(): ExportInfo
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
    return [...this.#open.values()].map((entry) => entry.describe())
  }

  clientCount(session: SessionId): number {
    const own = [...this.#open.values()].filter((entry) => entry.session.id === session)
    return own.reduce((sum, entry) => sum + entry.server.clients.length, 0)
  }

  /** What its clients have asked for. */
  requests(id: ExportId): RequestFeed {
    return this.#find(id).feed
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
    const { name = '', readOnly = false } = options
    const description = options.description || session.image.info.name
    checkDescription(description)
    const tls = await makeTls(options.tls)
    const announce = new Throttle(this.#clock, ANNOUNCE_MS, () => {
      const entry = this.#open.get(id)
      if (entry !== undefined) this.#hub.emit('export.changed', entry.describe())
    })
    const registry = new ExportRegistry()
    await withField('name', () =>
      registry.add({
        name,
        description,
        disk: session.overlay,
        readOnly,
        contexts: overlayContexts(session.overlay),
        open: ({ id: client }) => watchClient(session, clientName(client), announce),
      }),
    )
    const since = new Map<number, number>()
    const feed = new RequestFeed(this.#clock)
    const server = new NbdServer({
      exports: registry,
      clock: this.#clock,
      tls,
      log: feed.log,
      onClient: (client) => {
        since.set(client.id, Date.now())
        announce.request()
      },
      onClientGone: (client) => {
        since.delete(client.id)
        announce.request()
      },
    })
    const { address, tempDir } = await settlePlace(options.transport)
    try {
      const listener = await withField(
        (error) => fieldOfListening(address, error),
        () => listenTransport(address, (transport) => server.accept(transport)),
      )
      const uri = formatNbdUri(listener.address, name, tls?.mode === 'required')
      const secured = describeTls(options.tls)
      const fixed = { id, session: session.id, uri, name, description, readOnly }
      const told = secured === undefined ? fixed : { ...fixed, tls: secured }
      const describe = () => describeExport(told, server.clients, since)
      this.#open.set(id, { id, session, server, feed, listener, announce, tempDir, describe })
      this.#hub.emit('export.changed', describe())
      return describe()
    } catch (error) {
      if (tempDir !== undefined) await rm(tempDir, { recursive: true, force: true })
      throw error
    }
  }

  /** Hangs up on one client. */
  disconnect(id: ExportId, client: number): void {
    const found = this.#find(id).server.clients.find((each) => each.id === client)
    if (found === undefined) {
      throw new PlatterError('BAD_REQUEST', `${clientName(client)} is not connected any more`)
    }
    found.disconnect()
  }

  async stop(id: ExportId): Promise<void> {
    const entry = this.#find(id)
    this.#open.delete(id)
    entry.announce.stop()
    await entry.listener.close()
    await entry.server.shutdown(GRACE_MS)
    entry.feed.close()
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

  #find(id: ExportId): OpenExport {
    const entry = this.#open.get(id)
    if (entry === undefined) throw new PlatterError('BAD_REQUEST', `there is no export '${id}'`)
    return entry
  }
}

function checkDescription(description: string): void {
  const { length } = utf8(description)
  if (length <= MAX_STRING) return
  const why = `it has ${length} bytes, more than the ${MAX_STRING} that NBD allows`
  throw new PlatterError('BAD_REQUEST', `the description: ${why}`, {
    data: { field: 'description' },
  })
}

async function makeTls(tls: ExportOptions['tls']): Promise<ServerTls | undefined> {
  if (tls === undefined) return undefined
  const { certificates, pskFile } = tls
  const field = pskFile === undefined ? 'certificates' : 'pskFile'
  return await withField(field, () =>
    tlsServer({
      ...tls,
      certificates: certificates === undefined ? undefined : resolve(certificates),
      pskFile: pskFile === undefined ? undefined : resolve(pskFile),
    }),
  )
}

const SHOWN_VERBS = ['read', 'write', 'zero', 'trim'] as const
const isShown = (operation: string): operation is (typeof SHOWN_VERBS)[number] =>
  (SHOWN_VERBS as readonly string[]).includes(operation)

/** The session's overlay as one client sees it: the same bytes, with what it does noted. */
function watchClient(session: Session, client: string, announce: Throttle): Disk {
  return new LogDisk({
    disk: session.overlay,
    onDone: ({ operation, offset, length }, error) => {
      if (error !== undefined) session.noteFailure(error)
      announce.request()
      if (error !== undefined || !isShown(operation)) return
      const range = { offset, length }
      session.activity.note(operation, range)
      if (operation !== 'read') session.noteOrigin(range, client)
      session.noteTouches()
    },
  })
}
