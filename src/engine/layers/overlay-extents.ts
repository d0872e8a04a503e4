// What an overlay holds, for `extents`: its own states first, the base's answer only between them, and
// a hole where the base has ended. The states are taken once, when the call begins; a block that was
// staged then is told by its state, whatever a commit does to the base meanwhile.

import { assert } from '../base/assert'
import { BLOCK_CLEAN, BLOCK_WRITTEN } from '../base/block-leaf'
import { endOf } from '../base/ranges'
import type { Disk, ExtentOptions } from '../disk/disk'
import { EXTENT_HOLE, EXTENT_ZERO, ExtentList } from '../disk/extents'
import type { OverlayBlocks } from './overlay-blocks'
import { widen } from './span-io'

/** More runs than this end the list early: whoever asked goes on from there. */
const MAX_RUNS = 1 << 16

const NOTHING = EXTENT_HOLE | EXTENT_ZERO

export async function overlayExtents(
  blocks: OverlayBlocks,
  offset: number,
  length: number,
  options: ExtentOptions,
): Promise<ExtentList> {
  const list = new ExtentList(offset)
  const runs = blocks.runsIn({ offset, length }, MAX_RUNS)
  const base = new BaseExtents(blocks.base, options)
  for (const run of runs) {
    if (list.isFull) break
    const end = endOf(run)
    if (run.state === BLOCK_CLEAN) {
      const scanEnd = options.first === true ? end : offset + length
      await base.copy(list, Math.min(end, blocks.base.size), scanEnd)
      if (list.end < Math.min(end, blocks.base.size)) break
      if (!list.isFull) list.append(end - list.end, NOTHING)
    } else list.append(run.length, run.state === BLOCK_WRITTEN ? 0 : NOTHING)
    if (options.first === true && list.count > 0) break
  }
  if (options.first !== true || list.count <= 1) return list
  return ExtentList.of(offset, list.lengths[0]!, list.flags[0]!)
}

/** The base's extents read from front to back, asked for again only past the end of its last answer. */
class BaseExtents {
  readonly #disk: Disk
  readonly #options: ExtentOptions
  #list: ExtentList | undefined
  #index = 0
  #indexOffset = 0

  constructor(disk: Disk, options: ExtentOptions) {
    this.#disk = disk
    this.#options = options
  }

  /** Appends what the base says from the end of `into` up to `end`, or less when `into` is full. */
  async copy(into: ExtentList, end: number, scanEnd: number): Promise<void> {
    while (into.end < end && !into.isFull) {
      const list = await this.#listAt(into.end, scanEnd)
      while (this.#index < list.count && into.end < end && !into.isFull) {
        const extentEnd = this.#indexOffset + list.lengths[this.#index]!
        const to = Math.min(extentEnd, end)
        if (to > into.end) into.append(to - into.end, list.flags[this.#index]!)
        if (to < extentEnd) break
        this.#index++
        this.#indexOffset = extentEnd
      }
    }
  }

  async #listAt(offset: number, scanEnd: number): Promise<ExtentList> {
    if (this.#list === undefined || this.#list.end <= offset) {
      const length = Math.min(scanEnd, this.#disk.size) - offset
      const range = widen(this.#disk, { offset, length })
      this.#list = await this.#disk.extents(range.offset, range.length, this.#options)
      assert(this.#list.end > offset, 'the base told no extents')
      this.#index = 0
      this.#indexOffset = range.offset
    }
    return this.#list
  }
}
