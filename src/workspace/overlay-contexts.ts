// What an overlay tells NBD clients beside base:allocation, under the names that existing backup tools
// ask for. `qemu:dirty-bitmap:platter` marks what is staged (flag 1), zeroes included. In
// `qemu:allocation-depth` the top layer is the overlay: 1 is staged in it, 2 in the checkpoint below or,
// without one, allocated in the image, and so on; 0 is allocated nowhere.

import { assert } from '../engine/base/assert'
import { alignDown, alignUp, type ByteRange, endOf } from '../engine/base/ranges'
import type { Disk, ExtentOptions } from '../engine/disk/disk'
import { EXTENT_HOLE, ExtentList } from '../engine/disk/extents'
import { OverlayDisk } from '../engine/layers/overlay'
import type { MetaContext } from '../engine/nbd/export-registry'

export const DIRTY_BITMAP = 'qemu:dirty-bitmap:platter'
export const ALLOCATION_DEPTH = 'qemu:allocation-depth'

const DIRTY = 1
const DEPTH_NONE = 0
const DEPTH_STAGED = 1

/** More staged runs than this end a list early: the client asks again from there. */
const MAX_RUNS = 1 << 16

export function overlayContexts(overlay: OverlayDisk): MetaContext[] {
  return [
    {
      name: DIRTY_BITMAP,
      extents: async (offset, length) =>
        layStaged(overlay, { offset, length }, DIRTY, async (list, end) => {
          list.append(end - list.end, 0)
        }),
    },
    {
      name: ALLOCATION_DEPTH,
      extents: (offset, length, options) => layDepths(overlay, { offset, length }, options),
    },
  ]
}

/** Depths of the overlay, and below where nothing is staged, of its base as one deeper. */
function layDepths(
  overlay: OverlayDisk,
  range: ByteRange,
  options: ExtentOptions,
  depth = DEPTH_STAGED,
): Promise<ExtentList> {
  const below = new BaseDepth(overlay.base, depth + 1, endOf(range), options)
  return layStaged(overlay, range, depth, (list, end) => below.copy(list, end))
}

/** The staged runs with one flag, and between them what `fill` appends, which may be less than asked. */
async function layStaged(
  overlay: OverlayDisk,
  range: ByteRange,
  stagedFlag: number,
  fill: (list: ExtentList, end: number) => Promise<void>,
): Promise<ExtentList> {
  const list = new ExtentList(range.offset)
  // Taken at once: the answer is one moment's, though the image is asked along the way.
  const runs = takeRuns(overlay, range)
  for (const run of runs.staged) {
    if (run.offset > list.end) await fill(list, run.offset)
    if (list.end < run.offset || list.isFull) return list
    list.append(run.length, stagedFlag)
  }
  if (list.end < runs.end && !list.isFull) await fill(list, runs.end)
  return list
}

/** Staged runs of either kind, and how far they are all that there is. */
function takeRuns(overlay: OverlayDisk, range: ByteRange): { staged: ByteRange[]; end: number } {
  const staged: ByteRange[] = []
  for (const run of overlay.stagedRuns(range.offset, range.length)) {
    staged.push(run)
    if (staged.length === MAX_RUNS) return { staged, end: endOf(run) }
  }
  return { staged, end: endOf(range) }
}

/** The depths of what lies below, asked for from front to back and only where nothing is staged. */
class BaseDepth {
  readonly #image: Disk
  readonly #depth: number
  readonly #end: number
  readonly #options: ExtentOptions
  #known: ExtentList | undefined
  /** The extent of `#known` that was last looked at, and where it begins. */
  #index = 0
  #offset = 0

  constructor(base: Disk, depth: number, end: number, options: ExtentOptions) {
    this.#image = base
    this.#depth = depth
    this.#end = end
    this.#options = options
  }

  async copy(list: ExtentList, end: number): Promise<void> {
    const inImage = Math.min(end, this.#image.size)
    while (list.end < inImage && !list.isFull) {
      const known = await this.#listAt(list.end)
      const extentEnd = this.#offset + (known.lengths[this.#index] ?? 0)
      const to = Math.min(extentEnd, inImage)
      if (to > list.end) list.append(to - list.end, this.#depthOf(known.flags[this.#index] ?? 0))
      if (extentEnd > inImage) break
      this.#index++
      this.#offset = extentEnd
    }
    if (!list.isFull && list.end >= inImage) list.append(end - list.end, DEPTH_NONE)
  }

  /** An overlay's list has depths already, an image's flags. */
  #depthOf(flags: number): number {
    if (this.#image instanceof OverlayDisk) return flags
    return (flags & EXTENT_HOLE) === 0 ? this.#depth : DEPTH_NONE
  }

  async #listAt(from: number): Promise<ExtentList> {
    if (this.#known !== undefined && this.#known.end > from) return this.#known
    const { blockSize, size } = this.#image
    const offset = alignDown(from, blockSize.minimum)
    const end = Math.min(alignUp(this.#end, blockSize.minimum), size)
    this.#known =
      this.#image instanceof OverlayDisk
        ? await layDepths(this.#image, { offset, length: end - offset }, this.#options, this.#depth)
        : await this.#image.extents(offset, end - offset, this.#options)
    assert(this.#known.end > from, 'the image told no extents')
    this.#index = 0
    this.#offset = offset
    return this.#known
  }
}
