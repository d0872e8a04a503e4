// A small ext2 file system (revision 1, 4 KiB blocks, directory entries with file types, sparse
// superblocks, block maps with single and double indirection). Little-endian.
//
// Each group starts with a superblock copy, the group descriptors, a block bitmap, an inode bitmap and
// the inode table; with fewer than three groups every group has the copies. What a file's content calls
// a hole gets no block. Files go where they are told to start, around whatever is there already, so that
// the picture of the disk can be drawn as one likes; unused blocks stay holes of the image.

import { assert } from '../engine/base/assert'
import type { SamplePiece } from './sample-image-piece'
import { SAMPLE_TIME } from './sample-image-piece'

export const EXT2_BLOCK = 4096
const BLOCKS_PER_GROUP = 32_768
const INODES_PER_GROUP = 2048
const INODE_LENGTH = 256
const TABLE_BLOCKS = (INODES_PER_GROUP * INODE_LENGTH) / EXT2_BLOCK
const META_BLOCKS = 4 + TABLE_BLOCKS
const POINTERS = EXT2_BLOCK / 4
const ROOT_INODE = 2
const FIRST_INODE = 11
const DIRECTORY_MODE = 0o040755
const FILE_MODE = 0o100644
const DIRECTORY_TYPE = 2
const FILE_TYPE = 1

export interface Ext2Content {
  readonly size: number
  /** The content of one block, at most EXT2_BLOCK bytes; `undefined` for a hole in the file. */
  block(index: number): Uint8Array | undefined
}

export interface Ext2Placing {
  /** The block to start looking for free ones at. */
  readonly goal: number
  /** Free blocks skipped after the i-th block of the file; none unless told. */
  readonly gapAfter?: (index: number) => number
}

interface Entry {
  readonly inode: number
  readonly name: string
  readonly type: number
}

export class Ext2Image {
  readonly #blockCount: number
  readonly #groupCount: number
  readonly #used: Uint8Array
  readonly #inodes = new Map<number, Uint8Array>()
  readonly #directories = new Map<number, Entry[]>()
  readonly #pieces: SamplePiece[] = []
  #nextInode = FIRST_INODE
  #goal: number

  constructor(blockCount: number) {
    this.#blockCount = blockCount
    this.#groupCount = Math.ceil(blockCount / BLOCKS_PER_GROUP)
    assert(this.#groupCount <= 2, 'more groups need to know which have superblock copies')
    this.#used = new Uint8Array(blockCount)
    for (let group = 0; group < this.#groupCount; group++) {
      const start = group * BLOCKS_PER_GROUP
      this.#used.fill(1, start, start + META_BLOCKS)
    }
    this.#goal = META_BLOCKS
    this.#directories.set(ROOT_INODE, [
      { inode: ROOT_INODE, name: '.', type: DIRECTORY_TYPE },
      { inode: ROOT_INODE, name: '..', type: DIRECTORY_TYPE },
    ])
    this.addDirectory(ROOT_INODE, 'lost+found')
  }

  get root(): number {
    return ROOT_INODE
  }

  /** The inode of the new directory. */
  addDirectory(parent: number, name: string): number {
    const inode = this.#nextInode++
    this.#directories.set(inode, [
      { inode, name: '.', type: DIRECTORY_TYPE },
      { inode: parent, name: '..', type: DIRECTORY_TYPE },
    ])
    this.#directories.get(parent)?.push({ inode, name, type: DIRECTORY_TYPE })
    return inode
  }

  addFile(parent: number, name: string, content: Ext2Content, placing?: Ext2Placing): void {
    const inode = this.#nextInode++
    if (placing !== undefined) this.#goal = placing.goal
    const pointers: number[] = []
    const count = Math.ceil(content.size / EXT2_BLOCK)
    for (let i = 0; i < count; i++) {
      const bytes = content.block(i)
      pointers.push(bytes === undefined ? 0 : this.#put(bytes))
      this.#goal += placing?.gapAfter?.(i) ?? 0
    }
    this.#inodes.set(inode, this.#inode(FILE_MODE, 1, content.size, pointers))
    this.#directories.get(parent)?.push({ inode, name, type: FILE_TYPE })
  }

  /** Bytes in blocks that the file system counts as free, as a deleted file leaves them. */
  addRemains(goal: number, bytes: Uint8Array): void {
    const count = Math.ceil(bytes.length / EXT2_BLOCK)
    const isFree = this.#used.subarray(goal, goal + count).every((used) => used === 0)
    assert(isFree, 'remains over something')
    this.#pieces.push({ offset: goal * EXT2_BLOCK, bytes })
  }

  /** Nothing can be added after this. */
  *pieces(label: string, id: Uint8Array): Generator<SamplePiece> {
    this.#goal = META_BLOCKS
    for (const inode of this.#directories.keys()) this.#finishDirectory(inode)
    for (let group = 0; group < this.#groupCount; group++) yield* this.#group(group, label, id)
    yield* this.#pieces
  }

  #put(bytes: Uint8Array): number {
    const block = this.#used.indexOf(0, this.#goal)
    assert(block >= 0, 'the sample file system is full')
    this.#used[block] = 1
    this.#goal = block + 1
    this.#pieces.push({ offset: block * EXT2_BLOCK, bytes: padded(bytes) })
    return block
  }

  #finishDirectory(inode: number): void {
    const entries = this.#directories.get(inode) ?? []
    const block = this.#put(encodeDirectory(entries))
    // One link from the parent (for the root its own `..`), one from `.`, one from each `..` below.
    const below = entries.filter((e) => e.type === DIRECTORY_TYPE).length - 2
    this.#inodes.set(inode, this.#inode(DIRECTORY_MODE, 2 + below, EXT2_BLOCK, [block]))
  }

  #inode(mode: number, links: number, size: number, pointers: number[]): Uint8Array {
    const bytes = new Uint8Array(INODE_LENGTH)
    const view = new DataView(bytes.buffer)
    const map = [...pointers.slice(0, 12)]
    let blocks = pointers.filter((pointer) => pointer !== 0).length
    const indirect = (part: number[]): number => {
      if (part.every((pointer) => pointer === 0)) return 0
      blocks++
      return this.#put(encodePointers(part))
    }
    if (pointers.length > 12) map[12] = indirect(pointers.slice(12, 12 + POINTERS))
    if (pointers.length > 12 + POINTERS) {
      const lists: number[] = []
      for (let at = 12 + POINTERS; at < pointers.length; at += POINTERS) {
        lists.push(indirect(pointers.slice(at, at + POINTERS)))
      }
      map[13] = indirect(lists)
    }
    view.setUint16(0, mode, true)
    view.setUint32(4, size, true)
    for (const at of [8, 12, 16, 144]) view.setUint32(at, SAMPLE_TIME, true)
    view.setUint16(26, links, true)
    view.setUint32(28, blocks * (EXT2_BLOCK / 512), true)
    for (const [i, pointer] of map.entries()) view.setUint32(40 + 4 * i, pointer, true)
    view.setUint16(128, 32, true)
    return bytes
  }

  *#group(group: number, label: string, id: Uint8Array): Generator<SamplePiece> {
    const start = group * BLOCKS_PER_GROUP
    const superblock = this.#superblock(group, label, id)
    const superblockAt = group === 0 ? 1024 : start * EXT2_BLOCK
    yield { offset: superblockAt, bytes: superblock }
    yield { offset: (start + 1) * EXT2_BLOCK, bytes: this.#descriptors() }
    const end = Math.min(start + BLOCKS_PER_GROUP, this.#blockCount)
    const blocks = this.#used.subarray(start, end)
    yield { offset: (start + 2) * EXT2_BLOCK, bytes: encodeBitmap((i) => (blocks[i] ?? 1) !== 0) }
    const firstInode = group * INODES_PER_GROUP + 1
    const isUsed = (i: number) => i >= INODES_PER_GROUP || firstInode + i < this.#nextInode
    yield { offset: (start + 3) * EXT2_BLOCK, bytes: encodeBitmap(isUsed) }
    for (const [inode, bytes] of this.#inodes) {
      const index = inode - firstInode
      if (index < 0 || index >= INODES_PER_GROUP) continue
      yield { offset: (start + 4) * EXT2_BLOCK + index * INODE_LENGTH, bytes }
    }
  }

  #freeBlocks(group: number): number {
    const start = group * BLOCKS_PER_GROUP
    let free = 0
    for (const used of this.#used.subarray(start, start + BLOCKS_PER_GROUP)) if (used === 0) free++
    return free
  }

  #freeInodes(group: number): number {
    const used = this.#nextInode - 1 - group * INODES_PER_GROUP
    return INODES_PER_GROUP - Math.min(Math.max(used, 0), INODES_PER_GROUP)
  }

  #descriptors(): Uint8Array {
    const bytes = new Uint8Array(EXT2_BLOCK)
    const view = new DataView(bytes.buffer)
    for (let group = 0; group < this.#groupCount; group++) {
      const at = group * 32
      const start = group * BLOCKS_PER_GROUP
      view.setUint32(at, start + 2, true)
      view.setUint32(at + 4, start + 3, true)
      view.setUint32(at + 8, start + 4, true)
      view.setUint16(at + 12, this.#freeBlocks(group), true)
      view.setUint16(at + 14, this.#freeInodes(group), true)
      // The first group has all inodes in use, and with them all directories.
      view.setUint16(at + 16, group === 0 ? this.#directories.size : 0, true)
    }
    return bytes
  }

  #superblock(group: number, label: string, id: Uint8Array): Uint8Array {
    assert(this.#nextInode <= INODES_PER_GROUP, 'directories are counted in the first group')
    const bytes = new Uint8Array(1024)
    const view = new DataView(bytes.buffer)
    const groups = [...Array(this.#groupCount).keys()]
    const sum = (of: (group: number) => number) => groups.reduce((all, g) => all + of(g), 0)
    const words: readonly (readonly [number, number])[] = [
      [0, INODES_PER_GROUP * this.#groupCount],
      [4, this.#blockCount],
      [12, sum((g) => this.#freeBlocks(g))],
      [16, sum((g) => this.#freeInodes(g))],
      [24, Math.log2(EXT2_BLOCK / 1024)],
      [28, Math.log2(EXT2_BLOCK / 1024)],
      [32, BLOCKS_PER_GROUP],
      [36, BLOCKS_PER_GROUP],
      [40, INODES_PER_GROUP],
      [48, SAMPLE_TIME],
      [64, SAMPLE_TIME],
      [76, 1],
      [84, FIRST_INODE],
      [96, 0x2],
      [100, 0x1],
      [264, SAMPLE_TIME],
    ]
    for (const [at, value] of words) view.setUint32(at, value, true)
    const halves: readonly (readonly [number, number])[] = [
      [54, 0xffff],
      [56, 0xef53],
      [58, 1],
      [60, 1],
      [88, INODE_LENGTH],
      [90, group],
      [348, 32],
      [350, 32],
    ]
    for (const [at, value] of halves) view.setUint16(at, value, true)
    bytes.set(id, 104)
    bytes.set(new TextEncoder().encode(label), 120)
    return bytes
  }
}

function padded(bytes: Uint8Array): Uint8Array {
  if (bytes.length === EXT2_BLOCK) return bytes
  const block = new Uint8Array(EXT2_BLOCK)
  block.set(bytes)
  return block
}

function encodePointers(pointers: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(EXT2_BLOCK))
  for (const [i, pointer] of pointers.entries()) view.setUint32(4 * i, pointer, true)
  return new Uint8Array(view.buffer)
}

function encodeBitmap(isSet: (index: number) => boolean): Uint8Array {
  const bytes = new Uint8Array(EXT2_BLOCK)
  for (let i = 0; i < EXT2_BLOCK * 8; i++) {
    if (isSet(i)) bytes[i >> 3] = (bytes[i >> 3] as number) | (1 << (i & 7))
  }
  return bytes
}

/** One block of entries; the last one reaches to its end. */
function encodeDirectory(entries: readonly Entry[]): Uint8Array {
  const bytes = new Uint8Array(EXT2_BLOCK)
  const view = new DataView(bytes.buffer)
  let at = 0
  entries.forEach(({ inode, name, type }, i) => {
    const encoded = new TextEncoder().encode(name)
    const needed = 8 + Math.ceil(encoded.length / 4) * 4
    const length = i === entries.length - 1 ? EXT2_BLOCK - at : needed
    assert(at + needed <= EXT2_BLOCK, 'the directory is larger than a block')
    view.setUint32(at, inode, true)
    view.setUint16(at + 4, length, true)
    view.setUint8(at + 6, encoded.length)
    view.setUint8(at + 7, type)
    bytes.set(encoded, at + 8)
    at += length
  })
  return bytes
}
