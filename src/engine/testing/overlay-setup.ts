// An overlay with everything that a test wants to see and touch around it: gates, faults and logs on
// the base and on the store, and a byte model that goes along.

import { Prng } from '../base/prng'
import { alignDown, alignUp } from '../base/ranges'
import { ANY_BLOCK_SIZE, type BlockSize } from '../disk/disk'
import { MemoryDisk } from '../disk/memory-disk'
import { FaultDisk } from '../layers/fault'
import { describeRequest, LogDisk } from '../layers/log'
import { OverlayDisk } from '../layers/overlay'
import { ByteModel } from './byte-model'
import { GateDisk } from './gate-disk'

export interface OverlaySetupOptions {
  readonly blockSize?: number
  /** Of the overlay. */
  readonly size?: number
  readonly baseSize?: number
  readonly baseBlocks?: BlockSize
  readonly storeBlocks?: BlockSize
}

export const randomBytes = (length: number, seed: number): Uint8Array =>
  new Prng(seed).fill(new Uint8Array(length))

/** The base holds random bytes and sits in memory; nothing reaches it or the store unlogged. */
export function makeOverlay(options: OverlaySetupOptions = {}) {
  const blockSize = options.blockSize ?? 4096
  const size = options.size ?? 40 * blockSize
  const baseBytes = randomBytes(options.baseSize ?? size, 1)
  const baseMemory = MemoryDisk.from(baseBytes, { blockSize: options.baseBlocks ?? ANY_BLOCK_SIZE })
  const storeMemory = new MemoryDisk(alignUp(size, blockSize), {
    blockSize: options.storeBlocks ?? ANY_BLOCK_SIZE,
  })
  const base = watch(baseMemory)
  const store = watch(storeMemory)
  const overlay = new OverlayDisk({ base: base.disk, store: store.disk, blockSize, size })
  const content = new Uint8Array(size)
  content.set(baseBytes.subarray(0, size))
  return { overlay, base, store, baseMemory, baseBytes, blockSize, model: new ByteModel(content) }
}

function watch(memory: MemoryDisk) {
  const log: string[] = []
  const fault = new FaultDisk({ disk: memory })
  const gate = new GateDisk(fault)
  const disk = new LogDisk({
    disk: gate,
    onRequest: (request) => log.push(describeRequest(request)),
  })
  return { disk, gate, fault, log }
}

/** What a trim does to the bytes of an overlay: whole blocks turn to zeroes, cut ones stay. */
export function trimInBlocks(blockSize: number) {
  return (model: ByteModel, offset: number, length: number): void => {
    const from = alignUp(offset, blockSize)
    const end = offset + length
    const to = end === model.size ? end : alignDown(end, blockSize)
    if (to > from) model.zero(from, to - from)
  }
}
