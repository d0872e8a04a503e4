// One opened image with its overlay, survey and what is known of its staged blocks. A session owns what
// it opened and closes it. It says what happens through the hub, at most once a frame.
//
// Order of things after a write: the overlay has changed at once; the survey follows on the next
// update (a few tens of milliseconds), from the extents of just the changed ranges; then the pages
// are told. A map frame and the totals are always of one and the same survey.

import type { CellDetail, ExtentRow, PartitionTable, SessionId, SessionInfo } from '../bridge/model'
import { assert } from '../engine/base/assert'
import type { Clock } from '../engine/base/clock'
import { hasCode, type PlatterError, throwIfAborted, toPlainError } from '../engine/base/errors'
import { alignDown, alignUp, type ByteRange, endOf, intersect } from '../engine/base/ranges'
import type { OverlayDisk } from '../engine/layers/overlay'
import { Survey } from '../engine/survey/survey'
import { surveyDisk } from '../engine/survey/survey-disk'
import { Activity, TICK_MS } from './activity'
import { type CellsView, fillCells } from './cells'
import { ChangeGate } from './change-gate'
import type { EventHub } from './event-hub'
import type { KeptOverlay } from './kept-overlay'
import type { OpenedImage } from './opened-image'
import { OriginLog } from './origin-log'
import { RangeCollector } from './range-collector'
import { Throttle } from './throttle'

/** Two frames of a 60 Hz screen. */
const UPDATE_MS = 33
const MAX_CHANGED_RANGES = 256
/** The scan gives way to changes after each piece: a thousandth of the disk, but not less than this. */
const PIECES = 1024
const SMALLEST_PIECE = 1024 * 1024 * 1024

export interface SessionParts {
  readonly id: SessionId
  readonly image: OpenedImage
  readonly overlay: OverlayDisk
  /** Keeps the overlay in a file; absent: it is temporary. */
  readonly kept?: KeptOverlay | undefined
  readonly partitions: PartitionTable
  readonly fileSystem: string | undefined
  readonly hub: EventHub
  readonly clock: Clock
}

export class Session {
  readonly id: SessionId
  readonly image: OpenedImage
  readonly survey: Survey
  readonly origins = new OriginLog()
  readonly activity = new Activity()
  /** What the page stages and lets go runs through it. */
  readonly changes: ChangeGate
  readonly #parts: SessionParts
  readonly #changed = new RangeCollector(MAX_CHANGED_RANGES)
  readonly #update: Throttle
  readonly #views = new Set<() => void>()
  #updating: Promise<void> = Promise.resolve()
  #walking: Promise<void> = Promise.resolve()
  /** The scan has been over everything before this offset. */
  #scanned = 0
  #stopTicks: (() => void) | undefined
  #epoch = 0
  #trouble: SessionInfo['trouble']
  #closed = false
  readonly #temporary: OverlayDisk
  #kept: KeptOverlay | undefined
  commitJob: string | undefined
  /** The last commit, where what it overwrote was kept. */
  undo: SessionInfo['undo']
  /** How its lasting overlay was found, until somebody decided on it. */
  recover: SessionInfo['recover']

  constructor(parts: SessionParts) {
    this.#parts = parts
    this.id = parts.id
    this.image = parts.image
    this.#temporary = parts.overlay
    this.changes = new ChangeGate(parts.image.info.name)
    this.#kept = parts.kept
    this.survey = new Survey(parts.overlay.size)
    this.#update = new Throttle(parts.clock, UPDATE_MS, () => this.#startUpdate())
    this.#listen()
    this.image.onTrouble?.((error) => this.#noteSource(error))
    this.#scheduleTick()
  }

  get epoch(): number {
    return this.#epoch
  }

  get overlay(): OverlayDisk {
    return this.#kept?.lasting.overlay ?? this.#temporary
  }

  /** The file that the overlay is kept in; `undefined` for a temporary one. */
  get kept(): KeptOverlay | undefined {
    return this.#kept
  }

  /**
   * Lets `exchange` give the session another overlay of the same size, while nobody stages and nothing
   * walks over it: inside the KeptOverlay that it has, or as the one that it resolves to. Whoever reads
   * meanwhile may fail.
   */
  exchangeOverlay(exchange: () => Promise<KeptOverlay | undefined>): Promise<void> {
    return this.changes.alone(async () => {
      try {
        await this.settled()
        await this.#alone(async () => {
          this.#kept = (await exchange()) ?? this.#kept
        })
      } finally {
        this.#listen()
        this.#noteChange({ offset: 0, length: this.overlay.size })
        await this.settled()
      }
    })
  }

  get isClosed(): boolean {
    return this.#closed
  }

  /**
   * Walks the whole disk once, piece by piece; the map fills while it runs. Between two pieces what
   * changed meanwhile gets its turn, and only behind the walk: before it, the walk itself will see it.
   */
  async scan(onProgress: (mapped: number) => void, signal: AbortSignal): Promise<void> {
    const { size } = this.overlay
    const piece = Math.max(SMALLEST_PIECE, alignUp(Math.ceil(size / PIECES), SMALLEST_PIECE))
    while (this.#scanned < size) {
      const offset = this.#scanned
      const length = Math.min(piece, size - offset)
      await this.#alone(() => this.#walk({ offset, length }, signal))
      this.#scanned = offset + length
      onProgress(this.survey.mapped)
      this.#changed.add({ offset, length })
      this.#update.request()
    }
  }

  info(): SessionInfo {
    const size = this.overlay.size
    const staged = this.overlay.staged()
    return {
      id: this.id,
      image: this.image.info,
      blockSize: this.overlay.overlayBlockSize,
      partitions: this.#parts.partitions,
      ...(this.#parts.fileSystem === undefined ? {} : { fileSystem: this.#parts.fileSystem }),
      surveyed: size === 0 ? 1 : this.survey.mapped / size,
      totals: { ...this.survey.totals(), ...staged },
      stagedRuns: this.overlay.stagedRunCount(),
      epoch: this.#epoch,
      ...(this.#kept === undefined ? {} : { lasting: this.#kept.info() }),
      ...(this.commitJob === undefined ? {} : { commitJob: this.commitJob }),
      ...(this.undo === undefined ? {} : { undo: this.undo }),
      ...(this.recover === undefined ? {} : { recover: this.recover }),
      ...(this.#trouble === undefined ? {} : { trouble: this.#trouble }),
    }
  }

  /** The exact content of a range, for the inspector and for a cell that was clicked. */
  async detail(range: ByteRange, limit: number, signal: AbortSignal): Promise<CellDetail> {
    throwIfAborted(signal, 'map.detail')
    const rows: ExtentRow[] = []
    for (const run of this.survey.runs(range.offset, range.length)) {
      if (rows.length > limit) break
      rows.push(run)
    }
    const partition = this.#parts.partitions.partitions.find(
      (p) => p.offset <= range.offset && range.offset < p.offset + p.length,
    )
    return {
      ...range,
      bytes: {
        ...this.survey.totalsIn(range.offset, range.length),
        ...this.overlay.stagedIn(range.offset, range.length),
      },
      extents: rows.slice(0, limit),
      moreExtents: rows.length > limit,
      ...(partition === undefined ? {} : { partition }),
    }
  }

  cells(view: CellsView): Uint8Array {
    return fillCells(this.survey, this.overlay, view)
  }

  /** Calls `listener` after each update that touched anything; the returned function ends that. */
  onUpdate(listener: () => void): () => void {
    this.#views.add(listener)
    return () => this.#views.delete(listener)
  }

  noteOrigin(range: ByteRange, origin: string): void {
    this.origins.note(range, origin, Date.now())
  }

  noteTouches(): void {
    this.#update.request()
  }

  /** Remembers a failure that means that the image is not what it was; anything else is passed by. */
  noteFailure(error: unknown): void {
    // A source that tells when it is back is believed about its connection, not the call that failed.
    const isGone = hasCode(error, 'DISCONNECTED') && this.image.onTrouble === undefined
    const lasting = hasCode(error, 'SIZE_CHANGED') || isGone
    if (!lasting || this.#trouble !== undefined) return
    this.#trouble = toPlainError(error)
    this.announce()
  }

  #noteSource(error: PlatterError | undefined): void {
    this.#trouble = error === undefined ? undefined : toPlainError(error)
    this.announce()
  }

  announce(): void {
    if (!this.#closed) this.#parts.hub.emit('session.changed', this.info())
  }

  /** Resolves when every change that has happened by now is in the survey and has been announced. */
  async settled(): Promise<void> {
    this.#update.flush()
    await this.#updating
  }

  async close(): Promise<void> {
    assert(!this.#closed, 'session closed twice')
    this.#closed = true
    this.#stopTicks?.()
    this.#update.stop()
    await this.#updating
    for (const view of [...this.#views]) view()
    try {
      await (this.#kept ?? this.#temporary).close()
    } finally {
      await this.image.close()
    }
  }

  #listen(): void {
    this.overlay.onChange = (range) => {
      this.#noteChange(range)
      this.#kept?.noteChange()
    }
    if (this.#kept !== undefined) this.#kept.onChange = () => this.announce()
  }

  /** Whole blocks: a write of one byte makes all of its block data, as the extents will say. */
  #noteChange(range: ByteRange): void {
    const { overlayBlockSize, size } = this.overlay
    const offset = alignDown(range.offset, overlayBlockSize)
    const end = Math.min(alignUp(endOf(range), overlayBlockSize), size)
    this.#epoch++
    this.#changed.add({ offset, length: end - offset })
    this.#update.request()
  }

  #startUpdate(): void {
    this.#updating = this.#updating.then(() => this.#runUpdate())
  }

  async #runUpdate(): Promise<void> {
    if (this.#closed) return
    const changed = this.#changed.take()
    const touches = this.activity.takeTouches()
    if (changed.length === 0 && touches.length === 0) return
    try {
      for (const range of changed) await this.#alone(() => this.#walkScanned(range))
    } catch (error) {
      this.noteFailure(error)
      this.#parts.hub.emit('host.problem', { message: toPlainError(error).message })
    }
    if (this.#closed) return
    const { hub } = this.#parts
    hub.emit('session.touched', { session: this.id, epoch: this.#epoch, changed, touches })
    if (changed.length > 0) this.announce()
    for (const view of [...this.#views]) view()
  }

  async #walkScanned(range: ByteRange): Promise<void> {
    const known = intersect(range, { offset: 0, length: this.#scanned })
    if (known !== undefined) await this.#walk(known)
  }

  #walk(range: ByteRange, signal?: AbortSignal): Promise<void> {
    return surveyDisk({
      disk: this.overlay,
      survey: this.survey,
      range,
      pause: () =>
        new Promise<void>((resolve) => {
          this.#parts.clock.after(0, resolve)
        }),
      ...(signal === undefined ? {} : { signal }),
    })
  }

  /** Two walks at once could leave the older answer in the survey. */
  #alone(walk: () => Promise<void>): Promise<void> {
    const turn = this.#walking.then(walk)
    this.#walking = turn.catch(() => undefined)
    return turn
  }

  #scheduleTick(): void {
    this.#stopTicks = this.#parts.clock.after(TICK_MS, () => {
      const tick = this.activity.tick(Date.now())
      if (tick !== undefined) {
        this.#parts.hub.emit('activity.tick', { session: this.id, tick })
      }
      this.#scheduleTick()
    })
  }
}
