// What a server serves: disks under names. The first one added also answers to the empty name, the
// protocol's default export. The registry never closes a disk: it belongs to whoever added it.

import { utf8 } from '../base/bytes'
import { PlatterError } from '../base/errors'
import type { CallOptions, Disk, ExtentOptions } from '../disk/disk'
import type { ExtentList } from '../disk/extents'
import { MAX_MINIMUM_BLOCK, MAX_STRING } from './limits'

/** A kind of block status beside base:allocation. The flags of its extents are its own. */
export interface MetaContext {
  readonly name: string
  extents(offset: number, length: number, options: ExtentOptions & CallOptions): Promise<ExtentList>
}

export interface NbdExport {
  readonly name: string
  readonly description?: string
  readonly disk: Disk
  /** Refuse changes even where the disk would take them. */
  readonly readOnly: boolean
  /** The disk as one client sees it: the same bytes, size and abilities, perhaps under a log layer. */
  open?(client: { readonly id: number; readonly name: string }): Disk
  readonly contexts?: readonly MetaContext[]
}

/** Where a server looks its exports up, anew for each client. */
export interface ExportSource {
  list(): readonly NbdExport[]
  /** The export of that name; for the empty name, the default one. */
  find(name: string): NbdExport | undefined
}

export class ExportRegistry implements ExportSource {
  readonly #exports = new Map<string, NbdExport>()

  /** Refuses a name that is taken or too long, and a disk whose block sizes NBD cannot express. */
  add(entry: NbdExport): void {
    checkExport(entry)
    if (this.#exports.has(entry.name)) {
      throw new PlatterError('ALREADY_EXISTS', `export '${entry.name}': the name is taken`)
    }
    this.#exports.set(entry.name, entry)
  }

  /** Clients that have it open keep it; see NbdServer.closeExport. */
  remove(name: string): boolean {
    return this.#exports.delete(name)
  }

  list(): readonly NbdExport[] {
    return [...this.#exports.values()]
  }

  find(name: string): NbdExport | undefined {
    const exact = this.#exports.get(name)
    return exact === undefined && name === '' ? this.list()[0] : exact
  }
}

function checkExport(entry: NbdExport): void {
  const { name, disk } = entry
  const refuse = (why: string): never => {
    throw new PlatterError('NOT_SUPPORTED', `export '${name}': ${why}`)
  }
  if (utf8(name).length > MAX_STRING) refuse(`the name is longer than ${MAX_STRING} bytes`)
  if (name.includes('\0')) refuse('the name has a NUL character')
  const { minimum } = disk.blockSize
  if (minimum > MAX_MINIMUM_BLOCK) {
    refuse(`the block size of ${minimum} is above NBD's largest of ${MAX_MINIMUM_BLOCK}`)
  }
  if (disk.size % minimum !== 0) {
    refuse(`its ${disk.size} bytes are not a multiple of the block size of ${minimum}`)
  }
}
