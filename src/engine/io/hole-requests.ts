// What the main thread asks of the hole worker, what comes back, and the answering itself, which the
// worker file only carries messages to. File descriptors are shared by the threads of a process.

import { assertNever } from '../base/assert'
import type { HoleLibc } from './hole-libc'
import { EINTR, EXT4_SUPER_MAGIC, MAX_INTERRUPTS } from './hole-libc'
import type { HoleWalk, HoleWalkResult } from './hole-walk'
import { walkHoles } from './hole-walk'
import { type CarryReply, type CarryRequest, RangeCarrier } from './range-carrier'

export type HoleRequest =
  | ({ readonly kind: 'walk'; readonly abortFlag?: Int32Array } & HoleWalk)
  | {
      readonly kind: 'allocate'
      readonly fd: number
      readonly mode: number
      readonly offset: number
      readonly length: number
    }
  | {
      readonly kind: 'advise'
      readonly fd: number
      readonly offset: number
      readonly length: number
    }
  /** Between two files, zeroes left out. */
  | ({ readonly kind: 'copy' } & CarryRequest)
  /** A flush will come: the device may begin with all that is there. */
  | { readonly kind: 'writeOut'; readonly fd: number }
  | { readonly kind: 'size'; readonly fd: number }
  /** Whether the holes of the file can be told, and how. */
  | { readonly kind: 'probe'; readonly fd: number }

export type HoleReply =
  | HoleWalkResult
  | CarryReply
  | { readonly kind: 'value'; readonly value: number }
  | { readonly kind: 'probed'; readonly way: HoleWalk['way'] }
  /** koffi could not be loaded here. */
  | { readonly kind: 'unavailable'; readonly why: string }

export interface Numbered<T> {
  readonly id: number
  readonly body: T
}

/** Answers on the thread that it is called on. */
export class HoleAnswers {
  readonly #libc: HoleLibc
  readonly #carrier: RangeCarrier

  constructor(libc: HoleLibc) {
    this.#libc = libc
    this.#carrier = new RangeCarrier(libc)
  }

  answer(request: HoleRequest): HoleReply {
    return request.kind === 'copy'
      ? this.#carrier.carry(request)
      : answerQuestion(this.#libc, request)
  }
}

type HoleQuestion = Exclude<HoleRequest, { kind: 'copy' }>

function answerQuestion(libc: HoleLibc, request: HoleQuestion): HoleReply {
  switch (request.kind) {
    case 'walk': {
      const flag = request.abortFlag
      return walkHoles(libc, request, () => flag !== undefined && Atomics.load(flag, 0) !== 0)
    }
    case 'allocate':
      return allocate(libc, request)
    case 'advise': {
      const errno = libc.adviseWillNeed(request.fd, request.offset, request.length)
      return errno === 0
        ? { kind: 'value', value: 0 }
        : { kind: 'failed', errno, call: 'posix_fadvise' }
    }
    case 'writeOut':
      libc.startWriting(request.fd, 0, 0)
      return { kind: 'value', value: 0 }
    case 'size':
      return numberReply(libc, libc.seekEnd(request.fd), 'lseek')
    case 'probe':
      return probe(libc, request.fd)
    default:
      return assertNever(request, 'hole request')
  }
}

function allocate(libc: HoleLibc, request: Extract<HoleRequest, { kind: 'allocate' }>): HoleReply {
  for (let attempt = 1; ; attempt++) {
    const result = libc.fallocate(request.fd, request.mode, request.offset, request.length)
    if (result === 0) return { kind: 'value', value: 0 }
    const errno = libc.errno()
    if (errno !== EINTR || attempt === MAX_INTERRUPTS) {
      return { kind: 'failed', errno, call: 'fallocate' }
    }
  }
}

/** ext4 makes the answers of FIEMAP and of lseek out of one map; of others that is not known. */
function probe(libc: HoleLibc, fd: number): HoleReply {
  if (libc.seekHole(fd, 0) === -1) return { kind: 'failed', errno: libc.errno(), call: 'lseek' }
  const isExt4 = libc.fileSystemType(fd) === EXT4_SUPER_MAGIC
  return { kind: 'probed', way: isExt4 ? 'fiemap' : 'lseek' }
}

function numberReply(libc: HoleLibc, value: number, call: string): HoleReply {
  return value === -1 ? { kind: 'failed', errno: libc.errno(), call } : { kind: 'value', value }
}
