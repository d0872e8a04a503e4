// The holes of one open file: asked for, and made. What the platform, the file system or koffi does not
// give is remembered as missing, so that it is asked for once and not once a request.

import { assert } from '../base/assert'
import { PlatterError, throwIfAborted } from '../base/errors'
import { ExtentList } from '../disk/extents'
import { errnoName, fileError, fileReason, systemError } from './file-errors'
import { FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE, FALLOC_FL_ZERO_RANGE } from './hole-libc'
import type { HoleReply, HoleRequest } from './hole-requests'
import type { HoleWalk } from './hole-walk'
import type { HoleWorker } from './hole-worker'

const HOLE_AND_ZERO = 3
const DATA = 0

/** Extents of one call: some 20 ms of a local file system, so that nobody waits long in the queue. */
const MAX_EXTENTS_PER_WALK = 32_768

/** One fallocate covers no more, so that it can be cancelled between two of them. */
const ALLOCATE_PIECE = 16 * 1024 ** 3

const UNSUPPORTED = ['EOPNOTSUPP', 'ENOTSUP', 'ENOSYS', 'ENODEV', 'ENOTTY']

export type AllocateMode = 'punch' | 'zero'

const MODE_FLAGS: Readonly<Record<AllocateMode, number>> = {
  punch: FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
  zero: FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
}

export interface HoleAbilities {
  /** How the file tells its holes; absent when it cannot. */
  readonly way?: HoleWalk['way']
  /** fallocate and posix_fadvise can be tried. */
  readonly canAllocate: boolean
  /** Why holes cannot be told. */
  readonly note?: string
}

export class FileHoles {
  readonly #worker: HoleWorker
  readonly #fd: number
  readonly #path: string
  readonly #missing = new Set<AllocateMode>()

  constructor(worker: HoleWorker, fd: number, path: string) {
    this.#worker = worker
    this.#fd = fd
    this.#path = path
  }

  /** What can be had on this platform, for this file. */
  async probe(): Promise<HoleAbilities> {
    if (!this.#worker.isAvailable) {
      const machine = `${process.platform} ${process.arch}`
      return { canAllocate: false, note: `holes of files cannot be told on ${machine}` }
    }
    const reply = await this.#worker.ask({ kind: 'probe', fd: this.#fd })
    switch (reply.kind) {
      case 'probed':
        return { canAllocate: true, way: reply.way }
      case 'unavailable':
        return { canAllocate: false, note: `holes of files cannot be told here: ${reply.why}` }
      default: {
        const why = reply.kind === 'failed' ? `: ${refusalOf(reply)}` : ''
        return { canAllocate: true, note: `the file system does not tell holes${why}` }
      }
    }
  }

  /** The size by seeking, which block devices answer as well. */
  async seekSize(): Promise<number> {
    const reply = await this.#ask({ kind: 'size', fd: this.#fd }, 'cannot tell its size')
    assert(reply.kind === 'value', `a size was answered with ${reply.kind}`)
    return reply.value
  }

  /**
   * Data and holes from the offset on, perhaps not to the end of the range; SIZE_CHANGED when the file is
   * shorter now than `size`.
   */
  async walk(
    range: Pick<HoleWalk, 'offset' | 'length' | 'size' | 'way'>,
    first: boolean,
    signal?: AbortSignal,
  ): Promise<ExtentList> {
    const { offset, length, size } = range
    const maxExtents = first ? 1 : MAX_EXTENTS_PER_WALK
    const reply = await this.#ask(
      { kind: 'walk', fd: this.#fd, ...range, maxExtents },
      `cannot map ${length} bytes at offset ${offset}`,
      signal,
    )
    if (reply.kind === 'shrunk') throw shrunkError(this.#path, size, reply.sizeNow)
    assert(reply.kind === 'walked', `a walk was answered with ${reply.kind}`)
    const list = new ExtentList(offset)
    for (let i = 0; i < reply.lengths.length; i++) {
      list.append(reply.lengths[i] as number, i % 2 === 0 ? HOLE_AND_ZERO : DATA)
    }
    return list
  }

  /** True: the range reads as zeroes now. False: this is not to be had here, and nothing changed. */
  async allocate(
    mode: AllocateMode,
    offset: number,
    length: number,
    signal?: AbortSignal,
  ): Promise<boolean> {
    if (this.#missing.has(mode) || !this.#worker.isAvailable) return false
    for (let at = offset; at < offset + length; at += ALLOCATE_PIECE) {
      throwIfAborted(signal, 'zero')
      const piece = Math.min(ALLOCATE_PIECE, offset + length - at)
      const flags = MODE_FLAGS[mode]
      const reply = await this.#worker.ask({
        kind: 'allocate',
        fd: this.#fd,
        mode: flags,
        offset: at,
        length: piece,
      })
      if (reply.kind === 'value') continue
      const error = reply.kind === 'failed' ? systemError(reply.errno, reply.call) : undefined
      if (error === undefined || UNSUPPORTED.includes(errnoName(error))) {
        this.#missing.add(mode)
        return false
      }
      throw fileError(error, this.#path, `cannot ${mode} ${piece} bytes at offset ${at}`)
    }
    return true
  }

  /** Advice that nothing depends on: a refusal changes nothing. */
  async willNeed(offset: number, length: number): Promise<void> {
    await this.#worker.ask({ kind: 'advise', fd: this.#fd, offset, length })
  }

  /** Advice as well. */
  async startWriting(): Promise<void> {
    await this.#worker.ask({ kind: 'writeOut', fd: this.#fd })
  }

  async #ask(request: HoleRequest, doing: string, signal?: AbortSignal): Promise<HoleReply> {
    const reply = await this.#worker.ask(request, signal)
    if (reply.kind === 'aborted') throwIfAborted(signal, 'extents')
    if (reply.kind === 'failed') {
      throw fileError(systemError(reply.errno, reply.call), this.#path, doing)
    }
    if (reply.kind === 'unavailable') {
      throw new PlatterError('NOT_SUPPORTED', `${this.#path}: ${doing}: ${reply.why}`)
    }
    return reply
  }
}

const refusalOf = (reply: Extract<HoleReply, { kind: 'failed' }>): string =>
  fileReason(systemError(reply.errno, reply.call))

export function shrunkError(path: string, sizeThen: number, sizeNow: number): PlatterError {
  return new PlatterError(
    'SIZE_CHANGED',
    `${path}: the file shrank while it was open, from ${sizeThen} to ${sizeNow} bytes; what lay beyond is gone`,
    { data: { path, sizeThen, sizeNow } },
  )
}
