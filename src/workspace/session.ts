// One opened image with its overlay, survey and what is known of its staged blocks. A session owns what
// it opened and closes it. It says what happens through the hub, at most once a frame.
//
// Order of things after a write: the overlay has changed at once; the survey follows on the next
// update (a few tens of milliseconds), from the extents of just the changed ranges; then the pages
// are told. A map frame and the totals are always of one and the same survey.

import type { CellDetail, ImageInfo, PartitionTable, SessionId, SessionInfo } from '../bridge/model'
import { assert } from '../engine/base/assert'
import type { Clock } from '../engine/base/clock'
import { hasCode, toPlainError } from '../engine/base/errors'
import type { ByteRange } from '../engine/base/ranges'
import type { OverlayDisk } from '../engine/layers/overlay'
import { Survey } from '../engine/survey/survey'
import { surveyDisk } from '../engine/survey/survey-disk'
import { Activity, TICK_MS } from './activity'
import { type CellsView, fillCells } from './cells'
import type { EventHub } from './event-hub'
import type { OpenedImage } from './locators'
import { OriginLog } from './origin-log'
import { RangeCollector } from './range-collector'
import { Throttle } from './throttle'

/** Two frames of a 60 Hz screen. */
const UPDATE_MS = 33
const MAX_CHANGED_RANGES = 256

export interface SessionParts {
  readonly id: SessionId
  readonly image: OpenedImage
  readonly overlay: OverlayDisk
  readonly partitions: PartitionTable
  readonly hub: EventHub
  readonly clock: Clock
}

export class Session {
  readonly id: SessionId
  readonly image: OpenedImage
  readonly overlay: OverlayDisk
  readonly survey: Survey
  readonly origins = new OriginLog()
  readonly activity = new Activity()
  readonly #parts: SessionParts
  readonly #changed = new RangeCollector(MAX_CHANGED_RANGES)
  readonly #update: Throttle
  readonly #views = new Set<() => void>()
  #updating: Promise<void> = Promise.resolve()
  #stopTicks: (() => void) | undefined
  #epoch = 0
  #trouble: SessionInfo['trouble']
  #closed = false
  commitJob: string | undefined

  constructor(parts: SessionParts) {
    this.#parts = parts
    this.id = parts.id
    this.image = parts.image
    this.overlay = parts.overlay
    this.survey = new Survey(parts.overlay.size)
    this.#update = new Throttle(parts.clock, UPDATE_MS, () => this.#startUpdate())
    this.overlay.onChange = (range) => this.#noteChange(range)
    this.#scheduleTick()
  }

  get epoch(): number {
    return this.#epoch
  }

  get isClosed(): boolean {
    return this.#closed
  }

  /** Walks the whole disk once; the map fills while it runs. */
  async scan(onProgress: (mapped: number) => void, signal: AbortSignal): Promise<void> {
    await surveyDisk({
      disk: this.overlay,
      survey: this.survey,
      signal,
      pause: () => new Promise((resolve) => this.#parts.clock.after(0, resolve)),
      onProgress: (mapped) => {
        onProgress(mapped)
        this.#changed.add({ offset: 0, length: this.overlay.size })
        this.#update.request()
      },
    })
  }

  info(): SessionInfo {
    const size = this.overlay.size
    const staged = this.overlay.staged()
    return {
      id: this.id,
      image: this.#imageInfo(),
      blockSize: this.overlay.overlayBlockSize,
      partitions: this.#parts.partitions,
      surveyed: size === 0 ? 1 : this.survey.mapped / size,
      totals: { ...this.survey.totals(), ...staged },
      stagedRuns: this.overlay.stagedRunCount(),
      epoch: this.#epoch,
      ...(this.commitJob === undefined ? {} : { commitJob: this.commitJob }),
      ...(this.#trouble === undefined ? {} : { trouble: this.#trouble }),
    }
  }

  /** The exact content of a range, for the inspector and for a cell that was clicked. */
  async detail(range: ByteRange, limit: number, signal: AbortSignal): Promise<CellDetail> {
    const rows = this.survey.rowsIn(range, limit + 1)
    signal.throwIfAborted()
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
    const lasting = hasCode(error, 'SIZE_CHANGED') || hasCode(error, 'DISCONNECTED')
    if (!lasting || this.#trouble !== undefined) return
    this.#trouble = toPlainError(error)
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
    await this.overlay.close()
    await this.image.close()
  }

  #imageInfo(): ImageInfo {
    return this.image.info
  }

  #noteChange(range: ByteRange): void {
    this.#epoch++
    this.#changed.add(range)
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
    // What is not surveyed yet is left to the scan that is running: its steps come by here again.
    try {
      for (const range of changed) {
        if (this.survey.mapped === 0) break
        if (range.length < this.overlay.size) {
          await surveyDisk({ disk: this.overlay, survey: this.survey, range })
        }
      }
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
