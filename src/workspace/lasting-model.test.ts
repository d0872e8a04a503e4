// Random work on lasting overlays beside plain arrays: writes, zeroes, trims, discards, checkpoints that are
// made, gone back to and merged, closing and opening again, other sizes, commits of everything and of ranges,
// and their undoing. After every step the whole disk and the whole base are compared.

import { describe, expect, it } from 'vitest'
import { Prng } from '../engine/base/prng'
import { alignDown, type ByteRange } from '../engine/base/ranges'
import type { CrashFiles } from '../engine/testing/crash-files'
import { commitLasting } from './commit-lasting'
import { LastingModel } from './lasting-model.test-helper'
import type { LastingOverlay } from './lasting-overlay'
import { openLastingOverlay } from './lasting-overlay'
import { goBack, makeCheckpoint, mergeDown } from './lasting-overlay-checkpoints'
import { resizeOverlay } from './lasting-overlay-resize'
import { CRASH_BASE, CRASH_PATH, openAt, overlayOnCrashFiles } from './overlay-crash.test-helper'

const STEPS = 60

/** An overlay and its model, which have to stay the same. */
class Run {
  readonly #prng: Prng
  readonly #files: CrashFiles
  readonly #model: LastingModel
  readonly #version: 1 | 2
  #lasting: LastingOverlay
  #undoFiles = 0

  private constructor(seed: number, files: CrashFiles, lasting: LastingOverlay, version: 1 | 2) {
    this.#prng = new Prng(seed)
    this.#files = files
    this.#lasting = lasting
    this.#version = version
    const { size, overlayBlockSize } = lasting.overlay
    this.#model = new LastingModel(this.#base(), size, overlayBlockSize)
  }

  static async start(seed: number, version: 1 | 2): Promise<Run> {
    const prng = new Prng(seed + 1000)
    const size = 9 * 4096 + prng.pick([0, 512, 3584])
    const baseSize = prng.pick([size, size, size - 5 * 4096 - 512, size + 8192])
    const files = await overlayOnCrashFiles({ version, baseSize, size })
    return new Run(seed, files, await openAt(files), version)
  }

  async step(): Promise<string> {
    const { checkpoints } = this.#model
    const ways = ['write', 'write', 'write', 'zero', 'trim', 'flush', 'reopen', 'discard']
    if (checkpoints === 0) ways.push('commit', 'commitRanges', 'commitAndUndo')
    if (this.#version === 2) {
      if (checkpoints < 4) ways.push('checkpoint')
      if (checkpoints > 0) ways.push('goBack', 'merge')
      else ways.push('resize')
    }
    const way = this.#prng.pick(ways)
    await this.#act(way)
    await this.#compare(way)
    return way
  }

  async end(): Promise<void> {
    await this.#lasting.close()
  }

  async #act(way: string): Promise<void> {
    const { overlay } = this.#lasting
    const range = this.#range()
    switch (way) {
      case 'write': {
        const bytes = this.#prng.fill(new Uint8Array(range.length))
        await overlay.write(bytes, range.offset)
        return this.#model.write(bytes, range.offset)
      }
      case 'zero':
        await overlay.zero(range.offset, range.length)
        return this.#model.write(new Uint8Array(range.length), range.offset)
      case 'trim': {
        const { offset, length } = this.#blocks()
        await overlay.trim(offset, length)
        return this.#model.write(new Uint8Array(length), offset)
      }
      case 'flush':
        return overlay.flush()
      case 'discard':
        await overlay.discard([range])
        return this.#model.discard([range])
      case 'commit':
        return this.#commit(undefined)
      case 'commitRanges':
        return this.#commit([range, this.#range()])
      case 'commitAndUndo':
        return this.#commitAndUndo(this.#prng.bool() ? undefined : [range])
      default:
        return this.#whileClosed(way)
    }
  }

  async #whileClosed(way: string): Promise<void> {
    await this.#lasting.close()
    if (way === 'checkpoint') {
      await makeCheckpoint(this.#files, CRASH_PATH)
      this.#model.checkpoint()
    } else if (way === 'goBack') {
      await goBack(this.#files, CRASH_PATH)
      this.#model.goBack()
    } else if (way === 'merge') {
      await mergeDown(this.#files, CRASH_PATH)
      this.#model.merge()
    } else if (way === 'resize') {
      const size = 512 * (1 + this.#prng.below(110))
      await resizeOverlay(this.#files, CRASH_PATH, size)
      this.#model.resize(size)
    }
    this.#lasting = await openAt(this.#files)
  }

  async #commit(ranges: readonly ByteRange[] | undefined, undoPath?: string): Promise<void> {
    const verify = this.#prng.bool()
    await commitLasting(this.#files, this.#lasting, { ranges, verify, undoPath })
    this.#model.commit(ranges)
  }

  /** What was carried is not staged any more; the base is as it was before. */
  async #commitAndUndo(ranges: readonly ByteRange[] | undefined): Promise<void> {
    const undoPath = `/d/${++this.#undoFiles}.undo`
    await this.#commit(ranges, undoPath)
    await this.#lasting.close()
    if (this.#files.bytesOf(undoPath) !== undefined) {
      const undo = await openLastingOverlay(this.#files, undoPath, { writable: true })
      await commitLasting(this.#files, undo, { verify: true })
      await undo.close()
      this.#model.undoCommit()
    }
    this.#lasting = await openAt(this.#files, { acceptBase: true })
  }

  async #compare(way: string): Promise<void> {
    const { overlay } = this.#lasting
    const model = this.#model
    expect(overlay.size, way).toBe(model.size)
    const { written, zeroed } = overlay.staged()
    expect(written + zeroed, `${way}: what is staged`).toBe(model.staged)
    const content = new Uint8Array(model.size)
    await overlay.read(content, 0)
    expect(firstDifference(content, model.content()), `${way}: the disk`).toBe(undefined)
    expect(firstDifference(this.#base(), model.base), `${way}: the base`).toBe(undefined)
  }

  #base(): Uint8Array {
    return this.#files.bytesOf(CRASH_BASE) as Uint8Array
  }

  #range(): ByteRange {
    const { size } = this.#model
    const offset = this.#prng.below(size)
    const most = this.#prng.pick([600, 5000, 20_000])
    return { offset, length: 1 + this.#prng.below(Math.min(most, size - offset)) }
  }

  /** Whole blocks, or up to the end: the edges of a trim are nobody's business. */
  #blocks(): ByteRange {
    const { blockSize, size } = this.#model
    const { offset, length } = this.#range()
    const start = alignDown(offset, blockSize)
    const end = Math.min(size, alignDown(offset + length, blockSize) + blockSize)
    return { offset: start, length: end - start }
  }
}

function firstDifference(actual: Uint8Array, expected: Uint8Array): string | undefined {
  const length = Math.max(actual.length, expected.length)
  for (let at = 0; at < length; at++) {
    if (actual[at] !== expected[at]) return `at ${at}: ${actual[at]}, not ${expected[at]}`
  }
  return undefined
}

describe.each([1, 2] as const)('an overlay of version %i', (version) => {
  it.each(Array.from({ length: 30 }, (_, seed) => seed))(
    'is what its model is after every step (seed %i)',
    async (seed) => {
      const run = await Run.start(seed, version)
      const steps: string[] = []
      try {
        for (let count = 0; count < STEPS; count++) steps.push(await run.step())
      } catch (error) {
        throw new Error(`seed ${seed}, after ${steps.join(', ')}`, { cause: error })
      }
      await run.end()
    },
  )
})
