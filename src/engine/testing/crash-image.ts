import { ensure } from '../base/assert'
import type { Prng } from '../base/prng'
import { CrashBytes } from './crash-bytes'
import type { CrashContents } from './crash-files'
import type { CrashOperation, FileNumber } from './crash-log'

const SECTOR = 512
/** A long write is torn into so many parts at most. */
const MOST_PARTS = 128

/** What is on the medium: the operations of a log that reached it, one after the other. */
export class CrashImage implements CrashContents {
  readonly names: Map<string, FileNumber>
  readonly files: Map<FileNumber, { readonly bytes: CrashBytes; modifiedNs: bigint }>

  constructor({ names, files }: CrashContents) {
    this.names = new Map(names)
    this.files = new Map()
    for (const [number, { bytes, modifiedNs }] of files) {
      this.files.set(number, { bytes: bytes.fork(), modifiedNs })
    }
  }

  /** With `tear`, only some of the sectors of a write or zero. */
  apply(operation: CrashOperation, tear?: Prng): void {
    switch (operation.kind) {
      case 'create':
        this.#file(operation.file)
        this.names.set(operation.path, operation.file)
        break
      case 'rename':
        this.#file(operation.file)
        if (this.names.get(operation.from) === operation.file) this.names.delete(operation.from)
        this.names.set(operation.path, operation.file)
        break
      case 'remove':
        this.names.delete(operation.path)
        break
      case 'resize':
        this.#file(operation.file).bytes.resize(operation.size)
        this.#touch(operation.file)
        break
      case 'write':
      case 'zero':
        this.#change(operation, tear)
        this.#touch(operation.file)
        break
      default:
      // A sync changes nothing.
    }
  }

  #change(operation: CrashOperation & { kind: 'write' | 'zero' }, tear: Prng | undefined): void {
    const { bytes } = this.#file(operation.file)
    const length = lengthOf(operation)
    for (const [from, to] of partsOf(operation.offset, length)) {
      if (tear?.bool()) continue
      if (operation.kind === 'zero') bytes.zero(operation.offset + from, to - from)
      else bytes.write(operation.bytes.subarray(from, to), operation.offset + from)
    }
  }

  #file(number: FileNumber) {
    const file = this.files.get(number) ?? { bytes: new CrashBytes(), modifiedNs: 0n }
    this.files.set(number, file)
    return file
  }

  #touch(number: FileNumber): void {
    ensure(this.files.get(number), `file ${number}`).modifiedNs++
  }
}

/** In how many parts, each there or not, a crash can leave it; 1 when it is there as a whole or not at all. */
export function partsToTear(operation: CrashOperation): number {
  if (operation.kind !== 'write' && operation.kind !== 'zero') return 1
  return partsOf(operation.offset, lengthOf(operation)).length
}

const lengthOf = (operation: CrashOperation & { kind: 'write' | 'zero' }): number =>
  operation.kind === 'write' ? operation.bytes.length : operation.length

/** Cut at the sectors of the file, in units of several sectors where there are too many; from its own start. */
function partsOf(offset: number, length: number): [from: number, to: number][] {
  const sectors = Math.ceil((offset + length) / SECTOR) - Math.floor(offset / SECTOR)
  const unit = Math.ceil(sectors / MOST_PARTS) * SECTOR
  const parts: [number, number][] = []
  for (let at = offset; at < offset + length; ) {
    const end = Math.min(offset + length, (Math.floor(at / unit) + 1) * unit)
    parts.push([at - offset, end - offset])
    at = end
  }
  return parts
}
