// A small FAT16 file system: boot sector, two tables, a root directory, clusters of 2 KiB. Little-endian.
// Files are laid out one after another with gaps between them, short names only.

import { SECTOR } from './sample-image-gpt'
import type { SamplePiece } from './sample-image-piece'
import { SAMPLE_TIME } from './sample-image-piece'

const CLUSTER = 4 * SECTOR
const RESERVED_SECTORS = 1
const ROOT_ENTRIES = 512
const ROOT_SECTORS = (ROOT_ENTRIES * 32) / SECTOR
const END_OF_CHAIN = 0xffff
const DIRECTORY = 0x10
const VOLUME_LABEL = 0x08
const ARCHIVE = 0x20

export interface FatFile {
  /** `/EFI/BOOT/STARTUP.NSH`; the directories on the way are made. */
  readonly path: string
  readonly content: Uint8Array
  /** Clusters left free before it. */
  readonly gap?: number
}

interface Directory {
  readonly cluster: number
  readonly entries: Uint8Array[]
}

export class FatImage {
  readonly #sectorCount: number
  readonly #firstSector: number
  readonly #fatSectors: number
  readonly #fat: Uint16Array
  readonly #directories = new Map<string, Directory>()
  readonly #pieces: SamplePiece[] = []
  #nextCluster = 2

  /** `firstSector` is where the partition lies on the disk. */
  constructor(sectorCount: number, firstSector: number, label: string) {
    this.#sectorCount = sectorCount
    this.#firstSector = firstSector
    this.#fatSectors = Math.ceil(((sectorCount / 4 + 2) * 2) / SECTOR)
    this.#fat = new Uint16Array((this.#fatSectors * SECTOR) / 2)
    this.#fat.set([0xfff8, END_OF_CHAIN])
    this.#directories.set('', { cluster: 0, entries: [entry(label, VOLUME_LABEL, 0, 0)] })
  }

  add(file: FatFile): void {
    const names = file.path.split('/').slice(1)
    const name = names.pop() as string
    const parent = this.#directory(names)
    this.#nextCluster += file.gap ?? 0
    const cluster = this.#store(file.content)
    parent.entries.push(entry(shortName(name), ARCHIVE, cluster, file.content.length))
  }

  *pieces(label: string): Generator<SamplePiece> {
    yield { offset: 0, bytes: this.#bootSector(label) }
    const fat = new Uint8Array(this.#fat.buffer)
    const fatAt = RESERVED_SECTORS * SECTOR
    yield { offset: fatAt, bytes: fat }
    yield { offset: fatAt + fat.length, bytes: fat }
    for (const { cluster, entries } of this.#directories.values()) {
      const size = cluster === 0 ? ROOT_SECTORS * SECTOR : CLUSTER
      const bytes = new Uint8Array(size)
      for (const [i, encoded] of entries.entries()) bytes.set(encoded, i * 32)
      yield { offset: cluster === 0 ? this.#rootOffset : this.#offsetOf(cluster), bytes }
    }
    yield* this.#pieces
  }

  get #rootOffset(): number {
    return (RESERVED_SECTORS + 2 * this.#fatSectors) * SECTOR
  }

  #offsetOf(cluster: number): number {
    return this.#rootOffset + ROOT_SECTORS * SECTOR + (cluster - 2) * CLUSTER
  }

  #directory(names: readonly string[]): Directory {
    const key = names.join('/')
    const known = this.#directories.get(key)
    if (known !== undefined) return known
    const parent = this.#directory(names.slice(0, -1))
    const cluster = this.#allocate(1)
    const dots = ['.', '..'].map((name, i) =>
      entry(name.padEnd(11), DIRECTORY, i === 0 ? cluster : parent.cluster, 0),
    )
    const made = { cluster, entries: dots }
    this.#directories.set(key, made)
    parent.entries.push(entry(shortName(names.at(-1) as string), DIRECTORY, cluster, 0))
    return made
  }

  #store(content: Uint8Array): number {
    const count = Math.ceil(content.length / CLUSTER)
    const cluster = this.#allocate(count)
    const bytes = new Uint8Array(count * CLUSTER)
    bytes.set(content)
    this.#pieces.push({ offset: this.#offsetOf(cluster), bytes })
    return cluster
  }

  #allocate(count: number): number {
    const first = this.#nextCluster
    for (let i = 0; i < count; i++) {
      this.#fat[first + i] = i === count - 1 ? END_OF_CHAIN : first + i + 1
    }
    this.#nextCluster += count
    return first
  }

  #bootSector(label: string): Uint8Array {
    const bytes = new Uint8Array(SECTOR)
    const view = new DataView(bytes.buffer)
    const text = (at: number, value: string) => bytes.set(new TextEncoder().encode(value), at)
    bytes.set([0xeb, 0x3c, 0x90])
    text(3, 'PLATTER ')
    view.setUint16(11, SECTOR, true)
    view.setUint8(13, CLUSTER / SECTOR)
    view.setUint16(14, RESERVED_SECTORS, true)
    view.setUint8(16, 2)
    view.setUint16(17, ROOT_ENTRIES, true)
    if (this.#sectorCount < 0x10000) view.setUint16(19, this.#sectorCount, true)
    else view.setUint32(32, this.#sectorCount, true)
    view.setUint8(21, 0xf8)
    view.setUint16(22, this.#fatSectors, true)
    view.setUint16(24, 63, true)
    view.setUint16(26, 255, true)
    view.setUint32(28, this.#firstSector, true)
    view.setUint8(36, 0x80)
    view.setUint8(38, 0x29)
    view.setUint32(39, 0x504c_4154, true)
    text(43, label)
    text(54, 'FAT16   ')
    // Where a machine starts to run it: halt, for ever.
    bytes.set([0xf4, 0xeb, 0xfd], 62)
    bytes.set([0x55, 0xaa], 510)
    return bytes
  }
}

/** `STARTUP.NSH` as the eleven characters of a directory entry. */
function shortName(name: string): string {
  const [base = '', extension = ''] = name.split('.')
  return base.padEnd(8) + extension.padEnd(3)
}

function entry(name: string, attributes: number, cluster: number, size: number): Uint8Array {
  const bytes = new Uint8Array(32)
  const view = new DataView(bytes.buffer)
  bytes.set(new TextEncoder().encode(name))
  view.setUint8(11, attributes)
  const made = new Date(SAMPLE_TIME * 1000)
  const day =
    ((made.getUTCFullYear() - 1980) << 9) | ((made.getUTCMonth() + 1) << 5) | made.getUTCDate()
  const time = made.getUTCHours() << 11
  for (const at of [14, 22]) view.setUint16(at, time, true)
  for (const at of [16, 18, 24]) view.setUint16(at, day, true)
  view.setUint16(26, cluster, true)
  view.setUint32(28, size, true)
  return bytes
}
