// An open overlay file of either version: what its header says, the ledger of its block states, and the
// few changes of the header that there are. The image file and the base are its opener's to find.

import type { BlockStates } from '../../base/block-states'
import { PlatterError } from '../../base/errors'
import type { BlockLedger } from '../../disk/block-ledger'
import type { Disk } from '../../disk/disk'
import { hasMagic, PREFIX_BYTES } from './add-cow-fields'
import {
  type AddCowHeader,
  type BaseIdentity,
  BITMAP_OFFSET,
  type CommitMark,
  SLOT_BYTES,
} from './add-cow-header'
import { decodeV1Header, SECTOR, V1_BITMAP_OFFSET } from './add-cow-v1'
import { BitLedger } from './bit-ledger'
import { overlayFileSize } from './bitmap-page'
import { HeaderSlots } from './header-slots'
import { PageLedger } from './page-ledger'

/** What the header of either version says. */
export interface AddCowFacts {
  readonly version: 1 | 2
  readonly baseName: string
  readonly imageName: string
  /** Recorded, or raw in version 1, and never probed. */
  readonly baseFormat: string
  readonly imageFormat: string
  readonly clusterSize: number
}

export class AddCowFile {
  readonly facts: AddCowFacts
  readonly #disk: Disk
  readonly #slots: HeaderSlots | undefined

  private constructor(disk: Disk, facts: AddCowFacts, slots: HeaderSlots | undefined) {
    this.#disk = disk
    this.facts = facts
    this.#slots = slots
  }

  /** Takes over `disk` when it resolves; else it is still the caller's to close. */
  static async open(disk: Disk): Promise<AddCowFile> {
    const version = await readVersion(disk)
    if (version === 1) return AddCowFile.#openV1(disk)
    checkLength(disk, BITMAP_OFFSET, 'the header')
    const slots = await HeaderSlots.open(disk)
    const { header } = slots
    const file = new AddCowFile(disk, { version: 2, ...namesOf(header) }, slots)
    const needed = overlayFileSize(Math.ceil(header.size / header.clusterSize))
    if (disk.size < needed || (header.state === 'clean' && disk.size !== needed)) {
      throw new PlatterError(
        'OVERLAY_SIZE',
        `the overlay is damaged: it is ${disk.size} bytes long, and with a disk of ${header.size} bytes it would be ${needed}`,
        { data: { length: disk.size, needed } },
      )
    }
    return file
  }

  /**
   * Fills a file that was just created with the length that its header asks for, with these states or all
   * clean. Not stable before it is flushed.
   */
  static async fill(disk: Disk, header: AddCowHeader, states?: BlockStates): Promise<void> {
    const slots = await HeaderSlots.create(disk, header)
    if (states !== undefined) await PageLedger.copy(disk, slots, states)
  }

  /** Version 2's; version 1 has no more than its facts. */
  get header(): AddCowHeader | undefined {
    return this.#slots?.header
  }

  /** How long the file is once a change of size that was cut short is put right; `undefined` when it is. */
  get lengthToCutTo(): number | undefined {
    const { header } = this
    if (header === undefined) return undefined
    const needed = overlayFileSize(Math.ceil(header.size / header.clusterSize))
    return this.#disk.size > needed ? needed : undefined
  }

  /** The states, which take the reading of what the bitmap holds. `imageSize` is that of the image file. */
  async ledger(imageSize: number): Promise<BlockLedger> {
    if (this.#slots !== undefined) return PageLedger.open(this.#disk, this.#slots)
    if (imageSize === 0 || imageSize % SECTOR !== 0) {
      throw new PlatterError(
        'OVERLAY_SIZE',
        `the image file of the overlay has ${imageSize} bytes, which is not one or more sectors of ${SECTOR}`,
      )
    }
    return BitLedger.open(this.#disk, imageSize)
  }

  /** A commit is under way from now on, stably; NOT_SUPPORTED by version 1. LIMIT for too many ranges. */
  markCommitting(commit: CommitMark): Promise<void> {
    return this.#needSlots('a commit').update((header) => ({
      ...header,
      state: 'committing',
      commit,
    }))
  }

  /** The commit is complete, or undone: the base is now this one. */
  markCommitted(base: BaseIdentity): Promise<void> {
    return this.#needSlots('a commit').update(({ commit: _, ...header }) => ({
      ...header,
      state: 'dirty',
      base,
    }))
  }

  /**
   * The last step of growing, in a file that is dirty and long enough already: these new blocks are
   * zeroed, the others clean, and the disk has `size` bytes from then on.
   */
  async growTo(
    size: number,
    zeroed: { readonly first: number; readonly count: number },
  ): Promise<void> {
    const slots = this.#needSlots('a change of size')
    // Its length, before a header that counts on it.
    await this.#disk.flush()
    await PageLedger.extend(this.#disk, slots, size, zeroed)
    await slots.update((header) => ({ ...header, size, state: 'clean' }))
  }

  /** Any other change of the header, stable when it resolves. */
  update(change: (header: AddCowHeader) => AddCowHeader): Promise<void> {
    return this.#needSlots('this').update(change)
  }

  close(): Promise<void> {
    return this.#disk.close()
  }

  static async #openV1(disk: Disk): Promise<AddCowFile> {
    checkLength(disk, V1_BITMAP_OFFSET, 'the header')
    const head = new Uint8Array(V1_BITMAP_OFFSET)
    await disk.read(head, 0)
    const names = decodeV1Header(head)
    const raw = { baseFormat: 'raw', imageFormat: 'raw', clusterSize: SECTOR }
    return new AddCowFile(disk, { version: 1, ...names, ...raw }, undefined)
  }

  #needSlots(what: string): HeaderSlots {
    if (this.#slots !== undefined) return this.#slots
    throw new PlatterError(
      'NOT_SUPPORTED',
      `${what} cannot be noted in an overlay file of version 1; version 2 has room for it`,
    )
  }
}

const namesOf = ({ baseName, imageName, baseFormat, imageFormat, clusterSize }: AddCowHeader) => ({
  baseName,
  imageName,
  baseFormat,
  imageFormat,
  clusterSize,
})

/** Of the first slot, or of the second when the first was lost whole. */
async function readVersion(disk: Disk): Promise<number> {
  for (const offset of [0, SLOT_BYTES]) {
    const head = new Uint8Array(Math.max(0, Math.min(PREFIX_BYTES, disk.size - offset)))
    await disk.read(head, Math.min(offset, disk.size))
    if (head.length < PREFIX_BYTES || !hasMagic(head)) continue
    const version = new DataView(head.buffer).getUint32(8)
    if (version === 2 || (version === 1 && offset === 0)) return version
    throw new PlatterError(
      'OVERLAY_VERSION',
      `the overlay file is of version ${version}; versions 1 and 2 are known`,
      { data: { version } },
    )
  }
  throw new PlatterError(
    'NOT_AN_OVERLAY',
    `it is not an overlay file: it does not begin with the bytes of one (${disk.size} bytes)`,
  )
}

function checkLength(disk: Disk, needed: number, what: string): void {
  if (disk.size >= needed) return
  throw new PlatterError(
    'OVERLAY_SIZE',
    `the overlay is damaged: it is ${disk.size} bytes long, and ${what} alone takes ${needed}`,
  )
}
