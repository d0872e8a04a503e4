// The header of version 1: two names and nothing else.

import { ByteWriter } from '../../base/bytes'
import { decodeNeededName, encodeName, MAGIC, NAME_BYTES, PREFIX_BYTES } from './add-cow-fields'

export const SECTOR = 512
export const V1_BITMAP_OFFSET = 2560

export interface V1Header {
  readonly baseName: string
  readonly imageName: string
}

/** How long the overlay file is at least, for a disk of `size` bytes. */
export const v1FileSize = (size: number): number => V1_BITMAP_OFFSET + Math.ceil(size / SECTOR / 8)

export function encodeV1Header({ baseName, imageName }: V1Header): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(V1_BITMAP_OFFSET)
  writer.put(MAGIC).u32(1)
  writer.put(encodeName(baseName, NAME_BYTES, 'the name of the base'))
  writer.put(encodeName(imageName, NAME_BYTES, 'the name of the image file'))
  return writer.zeros(V1_BITMAP_OFFSET - PREFIX_BYTES - 2 * NAME_BYTES).done()
}

/** Of the first 2560 bytes. */
export function decodeV1Header(head: Uint8Array): V1Header {
  const field = (index: number) => {
    const from = PREFIX_BYTES + index * NAME_BYTES
    return head.subarray(from, from + NAME_BYTES)
  }
  return {
    baseName: decodeNeededName(field(0), 'the name of the base'),
    imageName: decodeNeededName(field(1), 'the name of the image file'),
  }
}
