// What an overlay remembers of its base, and whether a base is still that one. The rules, and where the
// samples lie, are in docs/overlay-format.md.

import { createHash } from 'node:crypto'
import { ensure } from '../engine/base/assert'
import { PlatterError } from '../engine/base/errors'
import { alignDown } from '../engine/base/ranges'
import type { Disk } from '../engine/disk/disk'
import type { FileSpace } from '../engine/disk/file-space'
import type { BaseIdentity } from '../engine/formats/add-cow/add-cow-header'
import { readBytes } from '../engine/survey/read-bytes'

const SAMPLES = 64
const SAMPLE_BYTES = 4096

/** Of a base whose file is at `path`. */
export async function identifyBase(
  space: FileSpace,
  path: string,
  disk: Disk,
): Promise<BaseIdentity> {
  const facts = ensure(await space.facts(path), `${path}, which is open,`)
  const { modifiedNs, inode, device } = facts
  return { size: disk.size, modifiedNs, inode, device, sampleHash: await hashSamples(disk) }
}

/** Where a disk is sampled, offsets in bytes; one that is short is taken whole. */
export function sampleOffsets(size: number): number[] {
  const fits = size <= SAMPLES * SAMPLE_BYTES
  const count = fits ? Math.ceil(size / SAMPLE_BYTES) : SAMPLES
  return Array.from({ length: count }, (_, i) =>
    fits
      ? i * SAMPLE_BYTES
      : alignDown(Number((BigInt(i) * BigInt(size - SAMPLE_BYTES)) / BigInt(SAMPLES - 1)), 512),
  )
}

async function hashSamples(disk: Disk): Promise<Uint8Array> {
  const size = new Uint8Array(8)
  new DataView(size.buffer).setBigUint64(0, BigInt(disk.size))
  const hash = createHash('sha256').update(size)
  for (const offset of sampleOffsets(disk.size)) {
    const length = Math.min(SAMPLE_BYTES, disk.size - offset)
    hash.update(ensure(await readBytes(disk, offset, length), 'sample'))
  }
  return new Uint8Array(hash.digest())
}

/** `acceptable`: asking again with the base accepted as it is now helps. */
export const baseChanged = (path: string, why: string): PlatterError =>
  new PlatterError(
    'BASE_CHANGED',
    `${path}: the base of the overlay changed: ${why}; nothing was changed`,
    { data: { path, acceptable: true } },
  )

/** What is different, as a sentence, unless `now` is as good as `known`. */
export function baseDifference(known: BaseIdentity, now: BaseIdentity): string | undefined {
  const why = difference(known, now)
  if (why === undefined) return undefined
  const moved = known.inode !== now.inode || known.device !== now.device
  return moved ? `${why}, and it is another file than the one then` : why
}

function difference(known: BaseIdentity, now: BaseIdentity): string | undefined {
  if (known.size !== now.size) return `it had ${known.size} bytes and has ${now.size}`
  const isSampled = known.sampleHash.some((byte) => byte !== 0)
  const sameSamples = Buffer.compare(known.sampleHash, now.sampleHash) === 0
  if (isSampled && !sameSamples) return 'samples of its content are different'
  if (known.modifiedNs === now.modifiedNs) return undefined
  const when = (ns: bigint) => new Date(Number(ns / 1_000_000n)).toISOString()
  return `it was last written at ${when(known.modifiedNs)} then and at ${when(now.modifiedNs)} now`
}
