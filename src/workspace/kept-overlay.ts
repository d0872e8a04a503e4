// The lasting overlay of a session: open for as long as the session is, and made stable by itself soon
// after something was staged, so that a program that is killed costs what was staged last and no more.
//
// A flush costs two syncs however much was staged; nothing new costs nothing. One that fails is told, and
// tried again with the next change or when a person asks for it.

import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import type { CheckpointInfo, LastingInfo } from '../bridge/model'
import type { Clock } from '../engine/base/clock'
import { toPlainError } from '../engine/base/errors'
import type { FileSpace } from '../engine/disk/file-space'
import { type LastingOverlay, openLastingOverlay } from './lasting-overlay'
import type { OverlayLayer } from './lasting-overlay-layers'

/** From the first change on; what changes meanwhile goes with it. */
export const SAVE_AFTER_MS = 1000

export interface KeptOverlayParts {
  readonly space: FileSpace
  readonly lasting: LastingOverlay
  readonly clock: Clock
}

export class KeptOverlay {
  /** Called when what is told of it has changed. */
  onChange: () => void = () => undefined
  readonly #parts: KeptOverlayParts
  #lasting: LastingOverlay
  #checkpoints: readonly CheckpointInfo[]
  #unsaved = false
  #problem: LastingInfo['problem']
  #callOff: (() => void) | undefined
  #saving: Promise<void> | undefined

  private constructor(parts: KeptOverlayParts, checkpoints: readonly CheckpointInfo[]) {
    this.#parts = parts
    this.#lasting = parts.lasting
    this.#checkpoints = checkpoints
  }

  static async around(parts: KeptOverlayParts): Promise<KeptOverlay> {
    return new KeptOverlay(parts, await describeCheckpoints(parts.lasting))
  }

  get lasting(): LastingOverlay {
    return this.#lasting
  }

  get space(): FileSpace {
    return this.#parts.space
  }

  info(): LastingInfo {
    const { path, top } = this.#lasting
    return {
      path,
      name: basename(path),
      version: top.file.facts.version,
      unsaved: this.#unsaved,
      ...(this.#problem === undefined ? {} : { problem: this.#problem }),
      checkpoints: this.#checkpoints,
    }
  }

  /** Something was staged, or let go. */
  noteChange(): void {
    if (!this.#unsaved) {
      this.#unsaved = true
      this.onChange()
    }
    this.#callOff ??= this.#parts.clock.after(SAVE_AFTER_MS, () => {
      this.#callOff = undefined
      // A failure is told in info(); nobody waits for this.
      this.save().catch(() => undefined)
    })
  }

  /** Resolves when all that was staged before is stable. */
  async save(): Promise<void> {
    // Who comes while a flush runs may have staged something that it does not cover.
    await this.#saving?.catch(() => undefined)
    this.#saving ??= this.#save().finally(() => {
      this.#saving = undefined
    })
    await this.#saving
  }

  /** Closes all files, lets `act` work with them by path, and opens them again whatever comes of it. */
  async whileClosed<T>(act: () => Promise<T>): Promise<T> {
    await this.save()
    await this.close()
    try {
      return await act()
    } finally {
      const { path } = this.#lasting
      const options = { writable: true, interrupted: true }
      this.#lasting = await openLastingOverlay(this.space, path, options)
      this.#checkpoints = await describeCheckpoints(this.#lasting)
    }
  }

  /** Rejects when not all could be made stable; closed it is nevertheless. */
  async close(): Promise<void> {
    this.#callOff?.()
    this.#callOff = undefined
    await this.#saving?.catch(() => undefined)
    await this.#lasting.close()
  }

  async #save(): Promise<void> {
    this.#unsaved = false
    try {
      await this.#lasting.overlay.flush()
      this.#problem = undefined
    } catch (error) {
      this.#unsaved = true
      this.#problem = toPlainError(error)
      throw error
    } finally {
      this.onChange()
    }
  }
}

function describeCheckpoints({ layers }: LastingOverlay): Promise<CheckpointInfo[]> {
  return Promise.all(layers.slice(1).map(describeCheckpoint))
}

/** A frozen overlay file is as old as the checkpoint, or as what was last merged into it. */
async function describeCheckpoint({ path, file, overlay }: OverlayLayer): Promise<CheckpointInfo> {
  const { mtimeMs } = await stat(path)
  const { written, zeroed } = overlay.staged()
  return { name: file.header?.checkpointName ?? '', time: mtimeMs, bytes: written + zeroed }
}
