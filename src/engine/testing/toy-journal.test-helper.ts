// A store of a few values that survives crashes, small enough to be seen to be right, and four that are
// wrong in one place each: what the crash harness is held to.
//
//   /d/data   two places of 1024 bytes for each slot; a value is written to the place that is not used
//   /d/head   two records of 512 bytes; the one with the higher generation and a good sum counts:
//             generation, sum of all that follows, one byte a slot: the place in use
//
// A value: its number in all 1024 bytes' 32-bit words.

import { Prng } from '../base/prng'
import type { FileDiskInSpace, FileSpace } from '../disk/file-space'

export const TOY_FAULTS = [
  'no data sync before the commit mark',
  'torn header',
  'rename without syncing the file',
  'bitmap before data',
] as const

export type ToyFault = (typeof TOY_FAULTS)[number]

export const TOY_SLOTS = 4
const PLACE = 1024
const RECORD = 512
const DATA = '/d/data'
const HEAD = '/d/head'

/** What the workload notes: a value is under way, and is kept. */
export interface ToyNote {
  readonly phase: 'begun' | 'done'
  readonly slot: number
  readonly value: number
}

interface Head {
  readonly generation: number
  readonly places: readonly number[]
}

export class ToyJournal {
  readonly #space: FileSpace
  readonly #fault: ToyFault | undefined
  readonly #data: FileDiskInSpace
  #file: FileDiskInSpace
  #head: Head

  private constructor(
    space: FileSpace,
    data: FileDiskInSpace,
    file: FileDiskInSpace,
    head: Head,
    fault: ToyFault | undefined,
  ) {
    this.#space = space
    this.#data = data
    this.#file = file
    this.#head = head
    this.#fault = fault
  }

  static async create(space: FileSpace, fault?: ToyFault): Promise<void> {
    const data = await space.create(DATA, TOY_SLOTS * 2 * PLACE)
    const file = await space.create(HEAD, 2 * RECORD)
    const places = new Array<number>(TOY_SLOTS).fill(0)
    const head = { generation: 1, places }
    const record = encode(head)
    const both = new Uint8Array([...record, ...record])
    await file.write(fault === 'torn header' ? encodeSplit(head) : both, 0)
    await data.flush()
    await file.flush()
    await space.syncNames(HEAD)
    await data.close()
    await file.close()
  }

  static async open(space: FileSpace, fault?: ToyFault): Promise<ToyJournal> {
    const data = await space.open(DATA, { writable: true })
    const file = await space.open(HEAD, { writable: true })
    try {
      return new ToyJournal(space, data, file, await readHead(file, fault), fault)
    } catch (error) {
      await data.close()
      await file.close()
      throw error
    }
  }

  async get(slot: number): Promise<number> {
    const bytes = new Uint8Array(PLACE)
    await this.#data.read(bytes, this.#placeOf(slot, this.#head.places[slot] as number))
    const words = new Uint32Array(bytes.buffer)
    if (words.some((word) => word !== words[0]))
      throw new Error(`toy journal: slot ${slot} is torn`)
    return words[0] as number
  }

  /** Kept when it resolves. */
  async set(slot: number, value: number): Promise<void> {
    const place = 1 - (this.#head.places[slot] as number)
    const writeData = async () => {
      const words = new Uint32Array(PLACE / 4).fill(value)
      await this.#data.write(new Uint8Array(words.buffer), this.#placeOf(slot, place))
      if (this.#fault !== 'no data sync before the commit mark') await this.#data.flush()
    }
    if (this.#fault !== 'bitmap before data') await writeData()
    const places = this.#head.places.map((old, index) => (index === slot ? place : old))
    await this.#writeHead({ generation: this.#head.generation + 1, places })
    if (this.#fault === 'bitmap before data') await writeData()
  }

  /** Writes the header anew, in a file that takes the place of the old one. */
  async renew(): Promise<void> {
    const file = await this.#space.create(`${HEAD}.new`, 2 * RECORD)
    const whole = this.#fault === 'torn header' ? encodeSplit(this.#head) : undefined
    await file.write(whole ?? encode(this.#head), 0)
    if (this.#fault !== 'rename without syncing the file') await file.flush()
    await this.#space.rename(`${HEAD}.new`, HEAD)
    await this.#space.syncNames(HEAD)
    await this.#file.close()
    this.#file = file
  }

  async close(): Promise<void> {
    await this.#data.close()
    await this.#file.close()
  }

  async #writeHead(head: Head): Promise<void> {
    this.#head = head
    if (this.#fault === 'torn header') await this.#file.write(encodeSplit(head), 0)
    else await this.#file.write(encode(head), (head.generation % 2) * RECORD)
    await this.#file.flush()
  }

  #placeOf(slot: number, place: number): number {
    return (slot * 2 + place) * PLACE
  }
}

async function readHead(file: FileDiskInSpace, fault: ToyFault | undefined): Promise<Head> {
  const bytes = new Uint8Array(2 * RECORD)
  await file.read(bytes, 0)
  const heads =
    fault === 'torn header' ? [decodeSplit(bytes)] : [decode(bytes, 0), decode(bytes, RECORD)]
  const good = heads.filter((head) => head !== undefined)
  const head = good.sort((a, b) => b.generation - a.generation)[0]
  if (head === undefined) throw new Error('toy journal: no good header')
  return head
}

function encode({ generation, places }: Head): Uint8Array {
  const words = new Uint32Array(RECORD / 4)
  words.set([generation, 0, ...places])
  words[1] = sumOf(words)
  return new Uint8Array(words.buffer)
}

function decode(bytes: Uint8Array, at: number): Head | undefined {
  const words = new Uint32Array(bytes.slice(at, at + RECORD).buffer)
  const generation = words[0] as number
  if (generation === 0 || words[1] !== sumOf(words)) return undefined
  return { generation, places: [...words.subarray(2, 2 + TOY_SLOTS)] }
}

const sumOf = (words: Uint32Array): number =>
  words.reduce((sum, word, index) => (index === 1 ? sum : (sum * 31 + word + 7) >>> 0), 0)

/**
 * The wrong one: over two sectors, in place, and nobody looks whether both are of one generation, though
 * each generation says it the other way round.
 */
function encodeSplit({ generation, places: plain }: Head): Uint8Array {
  const places = plain.map((place) => place ^ (generation & 1))
  const words = new Uint32Array((2 * RECORD) / 4)
  words.set([generation, 1, ...places.slice(0, TOY_SLOTS / 2)])
  words.set(places.slice(TOY_SLOTS / 2), RECORD / 4)
  return new Uint8Array(words.buffer)
}

function decodeSplit(bytes: Uint8Array): Head | undefined {
  const words = new Uint32Array(bytes.slice().buffer)
  const first = [...words.subarray(2, 2 + TOY_SLOTS / 2)]
  const second = [...words.subarray(RECORD / 4, RECORD / 4 + TOY_SLOTS / 2)]
  const generation = words[0] as number
  return { generation, places: [...first, ...second].map((place) => place ^ (generation & 1)) }
}

/** Sets values and renews the header now and then, noting each value before and after. */
export async function runToy(
  journal: ToyJournal,
  steps: number,
  seed: number,
  note: (note: ToyNote) => void,
): Promise<void> {
  const prng = new Prng(seed)
  for (let value = 1; value <= steps; value++) {
    const slot = prng.below(TOY_SLOTS)
    note({ phase: 'begun', slot, value })
    await journal.set(slot, value)
    note({ phase: 'done', slot, value })
    if (value % 5 === 0) await journal.renew()
  }
}

/** Rejects unless each slot has what was last kept there, or what was under way since. */
export async function checkToy(
  space: FileSpace,
  notes: readonly ToyNote[],
  fault?: ToyFault,
): Promise<void> {
  const journal = await ToyJournal.open(space, fault)
  try {
    for (let slot = 0; slot < TOY_SLOTS; slot++) {
      const own = notes.filter((note) => note.slot === slot)
      const last = own.findLastIndex((note) => note.phase === 'done')
      const allowed = last < 0 ? [0] : [own[last]?.value]
      allowed.push(...own.slice(last + 1).map((note) => note.value))
      const value = await journal.get(slot)
      if (!allowed.includes(value)) {
        throw new Error(`toy journal: slot ${slot} has ${value}, not one of ${allowed}`)
      }
    }
  } finally {
    await journal.close()
  }
}
