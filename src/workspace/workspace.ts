// The application core that every host shares: which sessions are open, their exports and jobs, what
// a person's settings are. Pages come and go over channels; what is open stays.

import { join } from 'node:path'
import type { HostInfo, RecentImage, SessionId, SessionInfo, Settings } from '../bridge/model'
import type { Clock } from '../engine/base/clock'
import { hasCode, PlatterError, toPlainError } from '../engine/base/errors'
import { NodeFileSpace } from '../engine/io/file-space'
import { HoleWorker } from '../engine/io/hole-worker'
import { systemClock } from '../engine/io/system-clock'
import { OverlayDisk } from '../engine/layers/overlay'
import type { CommitHost } from './commit-host'
import { Comparisons } from './comparisons'
import { EventHub } from './event-hub'
import { Exports } from './exports'
import type { HostServices } from './host-services'
import { foundAtOpening } from './interrupted'
import { Jobs } from './jobs'
import type { KeptOverlay } from './kept-overlay'
import { openImage } from './locators'
import { isOverlayLocator, openKept } from './open-kept'
import type { OpenedImage } from './opened-image'
import { readContent } from './read-content'
import { Session } from './session'
import { loadRecent, loadSettings, withRecent } from './settings'
import { createStagingStore } from './staging-store'
import type { StoredJson } from './stored-json'
import { UndoStore } from './undo-store'
import { configDir, stateDir } from './user-dirs'

export interface WorkspaceOptions {
  readonly version: string
  /** Where settings and the recent list are kept; absent: the platform's place. */
  readonly configDir?: string
  /** Where undo files are kept; absent: in `configDir` where that is given, else the platform's place. */
  readonly stateDir?: string
  readonly clock?: Clock
}

export interface OpenSessionOptions {
  readonly format?: string | undefined
  readonly blockSize?: number | undefined
  /** Of an overlay file: take its base as it is now. */
  readonly acceptBase?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

const MAX_SESSIONS = 32
/** A small image is mapped within this: the page then never shows it half-mapped. */
const SCAN_HEAD_START_MS = 200

export class Workspace {
  readonly hub = new EventHub()
  readonly clock: Clock
  readonly jobs: Jobs
  readonly exports: Exports
  readonly comparisons: Comparisons
  readonly commits: CommitHost
  readonly #version: string
  readonly #settings: StoredJson<Settings>
  readonly #recent: StoredJson<RecentImage[]>
  readonly #sessions = new Map<SessionId, Session>()
  readonly #pages = new Set<Page>()
  readonly #holes = new HoleWorker()
  /** Shared by everything that is open. */
  readonly files = { holes: this.#holes }
  #count = 0

  private constructor(
    options: WorkspaceOptions,
    settings: StoredJson<Settings>,
    recent: StoredJson<RecentImage[]>,
  ) {
    this.clock = options.clock ?? systemClock
    this.#version = options.version
    this.#settings = settings
    this.#recent = recent
    this.jobs = new Jobs(this.hub, this.clock)
    this.exports = new Exports(this.hub, this.clock)
    const { jobs, clock, files } = this
    this.comparisons = new Comparisons({ jobs, clock, files })
    const undos = new UndoStore(join(options.stateDir ?? options.configDir ?? stateDir(), 'undo'))
    this.commits = { jobs, undos, space: new NodeFileSpace(files) }
  }

  static async create(options: WorkspaceOptions): Promise<Workspace> {
    const dir = options.configDir ?? configDir()
    return new Workspace(options, await loadSettings(dir), await loadRecent(join(dir)))
  }

  get settings(): Settings {
    return this.#settings.value
  }

  get recent(): readonly RecentImage[] {
    return this.#recent.value
  }

  /** A page that is closed with the workspace; the answer is to be called when it has closed by itself. */
  addPage(page: Page): () => void {
    this.#pages.add(page)
    return () => this.#pages.delete(page)
  }

  async open(locator: string, options: OpenSessionOptions = {}): Promise<SessionInfo> {
    if (this.#sessions.size >= MAX_SESSIONS) {
      throw new PlatterError('LIMIT', `${MAX_SESSIONS} images are open: close one first`)
    }
    const { image, kept } = await this.#open(locator, options)
    const session = await this.#makeSession(image, kept, options).catch(async (error: unknown) => {
      await image.close()
      await kept?.close().catch(() => undefined)
      throw error
    })
    this.#sessions.set(session.id, session)
    await this.#startScan(session)
    this.#remember(session)
    this.hub.emit('session.opened', session.info())
    return session.info()
  }

  session(id: SessionId): Session {
    const session = this.#sessions.get(id)
    if (session === undefined) throw new PlatterError('NO_SESSION', `there is no session '${id}'`)
    return session
  }

  sessions(): Session[] {
    return [...this.#sessions.values()]
  }

  /** Refused with STAGED_CHANGES while something is staged that goes with the session, unless `discard`. */
  async closeSession(id: SessionId, discard: boolean): Promise<void> {
    const session = this.session(id)
    if (!discard) this.#refuseWhileMade(session)
    const { written, zeroed } = session.overlay.staged()
    if (session.kept === undefined && written + zeroed > 0 && !discard) {
      throw new PlatterError(
        'STAGED_CHANGES',
        `${session.image.info.name}: ${written + zeroed} bytes are staged and would be lost`,
        { data: { bytes: written + zeroed } },
      )
    }
    this.#sessions.delete(id)
    await this.exports.stopAll(id)
    await this.jobs.stopAll(id)
    try {
      await session.close()
    } finally {
      this.hub.emit('session.closed', { session: id })
    }
  }

  /** A file that is being made would not be finished, and a commit of a lasting overlay not either. */
  #refuseWhileMade({ id, image, kept }: Session): void {
    const running = this.jobs.list().find(({ session, state, kind }) => {
      const makes = kind === 'copy' || kind === 'keep' || kind === 'merge'
      return session === id && state === 'running' && (makes || (kept && kind === 'commit'))
    })
    if (running === undefined) return
    const why = `${running.title} is not finished: wait for it, or cancel it`
    throw new PlatterError('BUSY', `${image.info.name}: ${why}; nothing was changed`)
  }

  /** What closing everything would lose. */
  stagedSummary(): { readonly sessions: number; readonly bytes: number } {
    const staged = this.sessions()
      .filter((session) => session.kept === undefined)
      .map((session) => session.overlay.staged())
      .map(({ written, zeroed }) => written + zeroed)
      .filter((bytes) => bytes > 0)
    return { sessions: staged.length, bytes: staged.reduce((sum, bytes) => sum + bytes, 0) }
  }

  async changeSettings(change: Partial<Settings>): Promise<Settings> {
    await this.#settings.set({ ...this.#settings.value, ...change })
    this.hub.emit('settings.changed', this.#settings.value)
    return this.#settings.value
  }

  describe(services: HostServices): HostInfo {
    return {
      host: services.host,
      platform: process.platform,
      version: this.#version,
      nativeDialogs: services.openImageDialog !== undefined,
      sessions: this.sessions().map((session) => session.info()),
      exports: this.exports.list(),
      jobs: this.jobs.list(),
      recent: this.#recent.value,
      settings: this.#settings.value,
    }
  }

  /** Stops what runs and closes what is open; what is staged in temporary overlays is gone. */
  async close(): Promise<void> {
    await this.exports.stopAll()
    await this.jobs.stopAll()
    for (const id of [...this.#sessions.keys()]) await this.closeSession(id, true)
    for (const page of [...this.#pages]) page.close()
    await this.#holes.close()
  }

  async #open(locator: string, options: OpenSessionOptions): Promise<Opened> {
    const { clock, files } = this
    const { format, signal, acceptBase = false } = options
    if (await isOverlayLocator(locator, format)) {
      return openKept(locator, { clock, files, acceptBase, signal, sessions: this.sessions() })
    }
    const image = await openImage(locator, { clock, files, format, signal, reconnect: true })
    return { image, kept: undefined }
  }

  async #makeSession(
    image: OpenedImage,
    kept: KeptOverlay | undefined,
    options: OpenSessionOptions,
  ): Promise<Session> {
    const overlay = kept?.lasting.overlay ?? (await this.#stageOver(image, options))
    const { partitions, fileSystem } = await readContent(overlay, options.signal)
    const id = `s${++this.#count}`
    const session = new Session({
      id,
      image,
      overlay,
      kept,
      partitions,
      fileSystem,
      hub: this.hub,
      clock: this.clock,
    })
    if (kept !== undefined) session.recover = await foundAtOpening(kept)
    return session
  }

  async #stageOver(image: OpenedImage, options: OpenSessionOptions): Promise<OverlayDisk> {
    const blockSize = options.blockSize ?? this.settings.blockSize
    const store = await createStagingStore(image.disk.size, blockSize, this.files)
    return new OverlayDisk({ base: image.disk, store, blockSize })
  }

  async #startScan(session: Session): Promise<void> {
    const { size } = session.overlay
    let ended: () => void = () => undefined
    const scanned = new Promise<void>((resolve) => {
      ended = resolve
    })
    this.jobs.start({
      session: session.id,
      kind: 'survey',
      title: `Mapping ${session.image.info.name}`,
      total: size,
      run: async (progress, signal) => {
        try {
          await session.scan((done) => progress({ phase: 'mapping', done, total: size }), signal)
          return 'mapped'
        } catch (error) {
          session.noteFailure(error)
          throw error
        } finally {
          ended()
        }
      },
    })
    let callOff: () => void = () => undefined
    const headStart = new Promise<void>((resolve) => {
      callOff = this.clock.after(SCAN_HEAD_START_MS, resolve)
    })
    await Promise.race([scanned, headStart])
    callOff()
  }

  #remember({ image, kept }: Session): void {
    const { kind } = image.info
    const { locator, name } = kept === undefined ? image.info : locatorOf(kept)
    if (kind === 'sample') return
    const list = withRecent(this.#recent.value, { locator, name, time: Date.now() })
    this.#recent.set(list).catch((error: unknown) => {
      const message = `the list of recent images was not saved: ${toPlainError(error).message}`
      if (!hasCode(error, 'ABORTED')) this.hub.emit('host.problem', { message })
    })
  }
}

interface Page {
  close(): void
}

interface Opened {
  readonly image: OpenedImage
  readonly kept: KeptOverlay | undefined
}

function locatorOf(kept: KeptOverlay): { readonly locator: string; readonly name: string } {
  const { path, name } = kept.info()
  return { locator: path, name }
}
