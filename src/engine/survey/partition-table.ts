// Which partitions a disk has: a GPT where a protective boot record points to one, else the table of
// the boot record, else none. A table is outside input and may be hostile: what is wrong with it comes
// back as sentences, never as a failure, and partitions that come back lie inside the disk.
//
// A file system may fill the whole disk, and the first sector of FAT and NTFS ends like a boot record's;
// such a sector counts as a table only when its entries make sense as one.

import { PlatterError, throwIfAborted } from '../base/errors'
import type { Disk } from '../disk/disk'
import { bootSectorFileSystem, detectFileSystem } from './file-systems'
import { hasGptSignature, listGptPartitions } from './gpt'
import type { MbrEntry } from './mbr'
import { isPlausible, isProtective, listMbrPartitions, MBR_BYTES, parseMbr } from './mbr'
import type { ClaimedPartition, PartitionInfo } from './partition-layout'
import { layOutPartitions } from './partition-layout'
import { Problems } from './problems'
import { readBytes } from './read-bytes'

const SECTOR_BYTES = [512, 4096] as const

/** File systems are looked for in this many partitions; each takes a read. */
const MAX_LOOKED_INTO = 128

/** The same shape as the bridge's. */
export interface PartitionTable {
  readonly scheme: 'gpt' | 'mbr' | 'none'
  readonly partitions: readonly PartitionInfo[]
  /** What is wrong with it, in sentences; empty when nothing is. */
  readonly problems: readonly string[]
}

/** Rejects only when it is cancelled; a sector that cannot be read is one of the problems. */
export async function readPartitionTable(
  disk: Disk,
  signal?: AbortSignal,
): Promise<PartitionTable> {
  const reader = new TableReader(disk, signal)
  const { scheme, partitions } = await reader.readTable()
  const looked = await reader.lookInto(partitions)
  return { scheme, partitions: looked, problems: reader.problems.toArray() }
}

interface Found {
  readonly scheme: PartitionTable['scheme']
  readonly partitions: readonly PartitionInfo[]
}

const NOTHING: Found = { scheme: 'none', partitions: [] }

class TableReader {
  readonly problems = new Problems()
  readonly #disk: Disk
  readonly #signal: AbortSignal | undefined

  constructor(disk: Disk, signal: AbortSignal | undefined) {
    this.#disk = disk
    this.#signal = signal
  }

  async readTable(): Promise<Found> {
    if (this.#disk.size < MBR_BYTES) return NOTHING
    const sector = await this.#read(0, MBR_BYTES, 'The first sector')
    if (sector === undefined) return NOTHING
    const entries = parseMbr(sector) ?? []
    const gptSectorBytes = await this.#findGpt(1)
    if (entries.some(isProtective)) return await this.#readGpt(entries, gptSectorBytes)
    if (entries.length > 0 && this.#isMbr(sector, entries)) {
      if (gptSectorBytes !== undefined) {
        this.problems.add(
          'There is a GPT header too, but the MBR does not point to it: it is ignored.',
        )
      }
      return await this.#readMbr(entries)
    }
    if (gptSectorBytes !== undefined) {
      this.problems.add('The protective MBR is missing.')
      return await this.#readGpt(entries, gptSectorBytes)
    }
    if ((await this.#findGpt(-1)) !== undefined) {
      this.problems.add(
        'There is no partition table, but a backup GPT header in the last sector: the start of the disk was overwritten.',
      )
    }
    return NOTHING
  }

  /** The same partitions with what they hold. */
  async lookInto(partitions: readonly PartitionInfo[]): Promise<PartitionInfo[]> {
    const result: PartitionInfo[] = []
    for (const partition of partitions) {
      const { number, offset, length } = partition
      const fileSystem =
        result.length < MAX_LOOKED_INTO
          ? await this.#attempt(`The start of partition ${number}`, () =>
              detectFileSystem(this.#disk, offset, length, this.#signal),
            )
          : undefined
      result.push(fileSystem === undefined ? partition : { ...partition, fileSystem })
    }
    if (partitions.length > MAX_LOOKED_INTO) {
      this.problems.add(
        `File systems were looked for in the first ${MAX_LOOKED_INTO} partitions only.`,
      )
    }
    return result
  }

  /** The sector size that makes sector `at` (-1: the last) a GPT header; `undefined` when none does. */
  async #findGpt(at: 1 | -1): Promise<number | undefined> {
    for (const sectorBytes of SECTOR_BYTES) {
      const sectorCount = Math.floor(this.#disk.size / sectorBytes)
      if (sectorCount < 2) continue
      const index = at === 1 ? 1 : sectorCount - 1
      const bytes = await this.#read(index * sectorBytes, sectorBytes, `Sector ${index}`)
      if (bytes !== undefined && hasGptSignature(bytes)) return sectorBytes
    }
    return undefined
  }

  async #readGpt(entries: readonly MbrEntry[], found: number | undefined): Promise<Found> {
    const others = entries.filter((entry) => !isProtective(entry))
    if (others.length > 0) {
      this.problems.add(
        `The MBR lists ${others.length} partitions of its own beside the GPT; those of the GPT are shown.`,
      )
    }
    const sectorBytes = found ?? (await this.#findGpt(-1)) ?? this.#mbrSectorBytes
    const sectorCount = Math.floor(this.#disk.size / sectorBytes)
    const read = (sector: number, byteCount: number, what: string) =>
      this.#read(sector * sectorBytes, byteCount, what)
    const claims = await listGptPartitions({ sectorBytes, sectorCount, read }, this.problems)
    return { scheme: 'gpt', partitions: this.#layOut(claims, sectorBytes) }
  }

  async #readMbr(entries: readonly MbrEntry[]): Promise<Found> {
    const sectorBytes = this.#mbrSectorBytes
    const readSector = (sector: number, what: string) =>
      this.#read(sector * sectorBytes, MBR_BYTES, what)
    const claims = await listMbrPartitions(entries, readSector, this.problems)
    return { scheme: 'mbr', partitions: this.#layOut(claims, sectorBytes) }
  }

  #isMbr(sector: Uint8Array, entries: readonly MbrEntry[]): boolean {
    if (bootSectorFileSystem(sector) === undefined) return true
    return isPlausible(entries, Math.floor(this.#disk.size / this.#mbrSectorBytes))
  }

  /** A boot record does not say how long its sectors are; only the disk can. */
  get #mbrSectorBytes(): number {
    return this.#disk.blockSize.minimum === 4096 ? 4096 : 512
  }

  #layOut(claims: readonly ClaimedPartition[], sectorBytes: number): PartitionInfo[] {
    return layOutPartitions(claims, sectorBytes, this.#disk.size, this.problems)
  }

  async #read(offset: number, length: number, what: string): Promise<Uint8Array | undefined> {
    const bytes = await this.#attempt(what, () =>
      readBytes(this.#disk, offset, length, this.#signal),
    )
    if (bytes === undefined && offset + length > this.#disk.size) {
      this.problems.add(`${what} would be at byte ${offset}, past the end of the disk.`)
    }
    return bytes
  }

  async #attempt<T>(what: string, act: () => Promise<T>): Promise<T | undefined> {
    throwIfAborted(this.#signal, 'partition table')
    try {
      return await act()
    } catch (error) {
      throwIfAborted(this.#signal, 'partition table')
      if (!(error instanceof PlatterError)) throw error
      this.problems.add(`${what} cannot be read: ${error.message}.`)
      return undefined
    }
  }
}
