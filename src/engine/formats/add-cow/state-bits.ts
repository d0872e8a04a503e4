// Block states as bytes and back: version 2 has two bits a cluster, version 1 one bit a sector, both
// with the least significant bit first. Works run by run, and steps over bytes of nothing quickly.

import { BLOCK_CLEAN, BLOCK_ZEROED, type BlockState } from '../../base/block-leaf'
import type { BlockStates } from '../../base/block-states'

export type BitsPerBlock = 1 | 2

/** Which blocks of the states the bytes are about. */
export interface BlockWindow {
  readonly first: number
  readonly count: number
}

/** The states of the blocks of the window; all bits past it stay as they are in `into`. */
export function encodeStates(
  states: BlockStates,
  { first, count }: BlockWindow,
  bits: BitsPerBlock,
  into: Uint8Array,
): void {
  const perByte = 8 / bits
  for (const run of states.stagedRuns(first, first + count)) {
    const from = run.first - first
    const to = from + run.count
    const whole = run.state * (bits === 2 ? 0x55 : 0xff)
    for (let at = from; at < to; ) {
      const index = Math.floor(at / perByte)
      if (at % perByte === 0 && to - at >= perByte) {
        const wholeBytes = Math.floor((to - at) / perByte)
        into.fill(whole, index, index + wholeBytes)
        at += wholeBytes * perByte
      } else {
        into[index] = (into[index] as number) | (run.state << ((at % perByte) * bits))
        at++
      }
    }
  }
}

/**
 * Sets the states of the window from its bytes. Resolves what does not fit: a block with a state that
 * does not exist, or the first block at or past `blockCount` that is marked.
 */
export function decodeStates(
  bytes: Uint8Array,
  { first, count }: BlockWindow,
  bits: BitsPerBlock,
  states: BlockStates,
): { readonly badState?: number; readonly pastEnd?: number } {
  const perByte = 8 / bits
  const mask = (1 << bits) - 1
  let pastEnd: number | undefined
  const put = (from: number, to: number, state: number): void => {
    if (state === BLOCK_CLEAN || to <= from) return
    const end = Math.min(to, states.blockCount)
    if (to > states.blockCount) pastEnd ??= Math.max(from, states.blockCount)
    if (end > from) states.set(from, end - from, state as BlockState)
  }
  let runStart = first
  let runState: number = BLOCK_CLEAN
  for (let index = 0; index * perByte < count; index++) {
    const byte = bytes[index] as number
    const uniform = runState * (bits === 2 ? 0x55 : 0xff)
    if (byte === uniform && (index + 1) * perByte <= count) continue
    for (let i = 0; i < perByte && index * perByte + i < count; i++) {
      const state = (byte >>> (i * bits)) & mask
      if (state === runState) continue
      const block = first + index * perByte + i
      if (state > BLOCK_ZEROED) return { badState: block }
      put(runStart, block, runState)
      runStart = block
      runState = state
    }
  }
  put(runStart, first + count, runState)
  return pastEnd === undefined ? {} : { pastEnd }
}
