import { Prng } from '../../engine/base/prng'
import { alignDown } from '../../engine/base/ranges'
import type { FakePeer } from './fake-peer'

const MiB = 1024 * 1024

/** Some staged blocks of both states: single ones, a cluster, a long run. */
export function stageDemoBlocks(peer: FakePeer): void {
  const prng = new Prng(7)
  const { disk } = peer
  const { blockSize } = disk
  const put = (part: number, blocks: number) => {
    const offset = alignDown(Math.floor(disk.size * part), blockSize)
    return { offset, length: Math.min(blocks * blockSize, disk.size - offset) }
  }
  for (let i = 0; i < 40; i++) {
    peer.act('write', put(0.25 + 0.05 * (prng.u32() / 2 ** 32), 1 + prng.below(3)))
  }
  for (let i = 0; i < 12; i++) peer.act('write', put(prng.u32() / 2 ** 32, 1))
  peer.act('write', put(0.6, 96))
  peer.act('trim', put(0.7, 256))
  peer.act('zero', put(0.301, 24))
}

/** Keeps touching the disk like a machine that boots; the returned function stops it. */
export function startDemoActivity(peer: FakePeer, everyMs = 120): () => void {
  const prng = new Prng(99)
  let sweep = 0
  const timer = setInterval(() => {
    const { size, blockSize } = peer.disk
    sweep = (sweep + 4 * MiB) % size
    peer.act('read', { offset: sweep, length: Math.min(4 * MiB, size - sweep) })
    const at = (from: number, to: number) =>
      alignDown(Math.floor(size * (from + (to - from) * (prng.u32() / 2 ** 32))), blockSize)
    if (prng.bool(0.5)) peer.act('write', { offset: at(0.4, 0.45), length: 4096 })
    if (prng.bool(0.08)) peer.act('trim', { offset: at(0.7, 0.75), length: 16 * blockSize })
    if (prng.bool(0.08)) peer.act('zero', { offset: at(0.5, 0.55), length: 4 * blockSize })
  }, everyMs)
  return () => clearInterval(timer)
}
