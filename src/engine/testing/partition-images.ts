// Partition tables built from the specification alone, so that a reader is not tested by its own writer.

import { crc32 } from 'node:zlib'

export interface GptEntry {
  /** 16 bytes as they stand on disk, in hex; a Linux filesystem when absent. */
  readonly type?: string
  readonly first: number | bigint
  readonly last: number | bigint
  readonly name?: string
}

export interface GptOptions {
  readonly sectorBytes: number
  readonly sectorCount: number
  readonly entries: readonly GptEntry[]
  readonly entryCount?: number
  readonly entryBytes?: number
}

const LINUX_TYPE = 'af3dc60f838472478e793d69d8477de4'

/** A disk that holds nothing but a protective boot record and both copies of the table. */
export function makeGptImage(options: GptOptions): Buffer {
  const { sectorBytes, sectorCount } = options
  const image = Buffer.alloc(sectorBytes * sectorCount)
  makeMbr([{ type: 0xee, first: 1, count: sectorCount - 1 }]).copy(image)
  const tableSectors = Math.ceil(tableBytesOf(options) / sectorBytes)
  putGpt(image, options, 1, sectorCount - 1, 2)
  putGpt(image, options, sectorCount - 1, 1, sectorCount - 1 - tableSectors)
  return image
}

const tableBytesOf = ({ entryCount = 128, entryBytes = 128 }: GptOptions) => entryCount * entryBytes

function putGpt(
  image: Buffer,
  options: GptOptions,
  at: number,
  alternate: number,
  entriesAt: number,
): void {
  const { sectorBytes, sectorCount, entryCount = 128, entryBytes = 128 } = options
  const tableSectors = Math.ceil(tableBytesOf(options) / sectorBytes)
  options.entries.forEach((entry, i) => {
    putEntry(image.subarray(entriesAt * sectorBytes + i * entryBytes), entry)
  })
  const header = image.subarray(at * sectorBytes, at * sectorBytes + 92)
  header.write('EFI PART', 0, 'latin1')
  header.writeUInt32LE(0x00010000, 8)
  header.writeUInt32LE(92, 12)
  header.writeBigUInt64LE(BigInt(at), 24)
  header.writeBigUInt64LE(BigInt(alternate), 32)
  header.writeBigUInt64LE(BigInt(2 + tableSectors), 40)
  header.writeBigUInt64LE(BigInt(sectorCount - 2 - tableSectors), 48)
  header.write('00112233445566778899aabbccddeeff', 56, 'hex')
  header.writeBigUInt64LE(BigInt(entriesAt), 72)
  header.writeUInt32LE(entryCount, 80)
  header.writeUInt32LE(entryBytes, 84)
  sealGpt(image, at, sectorBytes)
}

function putEntry(into: Buffer, entry: GptEntry): void {
  into.write(entry.type ?? LINUX_TYPE, 0, 'hex')
  into.writeUInt32LE(Number(entry.first) >>> 0, 16)
  into.writeUInt32LE(1, 28)
  into.writeBigUInt64LE(BigInt(entry.first), 32)
  into.writeBigUInt64LE(BigInt(entry.last), 40)
  into.write((entry.name ?? '').slice(0, 36), 56, 'utf16le')
}

/** Makes both checksums of the table whose header is in sector `at` right again, whatever it says. */
export function sealGpt(image: Buffer, at: number, sectorBytes: number): void {
  const header = image.subarray(at * sectorBytes, (at + 1) * sectorBytes)
  const entriesAt = Number(header.readBigUInt64LE(72)) * sectorBytes
  const tableBytes = header.readUInt32LE(80) * header.readUInt32LE(84)
  header.writeUInt32LE(crc32(image.subarray(entriesAt, entriesAt + tableBytes)), 88)
  header.writeUInt32LE(0, 16)
  const headerBytes = Math.min(header.readUInt32LE(12), sectorBytes)
  header.writeUInt32LE(crc32(header.subarray(0, headerBytes)), 16)
}

export interface MbrPartition {
  readonly type: number
  readonly first: number
  readonly count: number
  readonly status?: number
}

/** One boot record of 512 bytes. */
export function makeMbr(partitions: readonly MbrPartition[]): Buffer {
  const sector = Buffer.alloc(512)
  partitions.forEach(({ type, first, count, status = 0 }, i) => {
    const entry = sector.subarray(446 + 16 * i)
    entry.writeUInt8(status, 0)
    entry.writeUInt8(type, 4)
    entry.writeUInt32LE(first, 8)
    entry.writeUInt32LE(Math.min(count, 0xffffffff), 12)
  })
  sector.writeUInt16LE(0xaa55, 510)
  return sector
}
