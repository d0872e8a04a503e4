// Seeded work on an overlay that lasts, and what has to be there of it after a crash.
//
// A plan is batches of steps; the steps of a batch are under way together and touch no sector twice,
// reads excepted. Whoever runs it notes when each step begins and when it is done. After a crash:
//
//   - what a flush that is done covered (it began after the step was done), and what was done with FUA,
//     is there, or something that was begun later
//   - each unit of bytes is one of: what is surely there, or what a later step put there, or the base
//     where nothing is surely there
//
// Bytes of the base are even, those that are written odd, and none is 0: what comes from nowhere shows.

import { Prng } from '../base/prng'
import { alignDown, alignUp, type ByteRange } from '../base/ranges'
import type { OverlayDisk } from '../layers/overlay'

export type WorkStep = { readonly id: number } & (
  | { readonly kind: 'write' | 'zero' | 'trim'; readonly range: ByteRange; readonly fua: boolean }
  | { readonly kind: 'discard' | 'read'; readonly range: ByteRange }
  | { readonly kind: 'flush' }
)

export interface WorkPlan {
  readonly seed: number
  /** Of the overlay, bytes. */
  readonly size: number
  readonly blockSize: number
  readonly batches: readonly (readonly WorkStep[])[]
}

export interface WorkNote {
  readonly phase: 'begun' | 'done'
  readonly id: number
}

export interface WorkOptions {
  readonly seed: number
  readonly size: number
  readonly blockSize: number
  readonly batches: number
  /** All steps stay in here; the whole overlay unless told. */
  readonly region?: ByteRange
  /** Offsets and lengths are multiples of it; 512 unless told. */
  readonly unit?: number
  /** False: nothing is discarded, as what shows then is not the base but a frozen overlay. */
  readonly discards?: boolean
}

const KINDS = [
  ...new Array(10).fill('write'),
  ...new Array(3).fill('zero'),
  ...new Array(3).fill('trim'),
  ...new Array(4).fill('flush'),
  ...new Array(2).fill('discard'),
  ...new Array(2).fill('read'),
] as readonly WorkStep['kind'][]

const MOST_TOGETHER = 4
const SECTOR = 512

export function planWork(options: WorkOptions): WorkPlan {
  const { seed, size, blockSize } = options
  const prng = new Prng(seed)
  let id = 0
  const batches = Array.from({ length: options.batches }, () => {
    const taken: ByteRange[] = []
    const steps: WorkStep[] = []
    for (let left = 1 + prng.below(MOST_TOGETHER); left > 0; left--) {
      const picked = prng.pick(KINDS)
      const kind = picked === 'discard' && options.discards === false ? 'zero' : picked
      if (kind === 'flush') {
        steps.push({ id: id++, kind })
        continue
      }
      const range = pickRange(prng, options)
      const whole = widened(range, kind === 'discard' ? blockSize : SECTOR, size)
      if (kind !== 'read' && taken.some((other) => overlaps(other, whole))) continue
      if (kind === 'read') steps.push({ id: id++, kind, range })
      else {
        taken.push(whole)
        if (kind === 'discard') steps.push({ id: id++, kind, range })
        else steps.push({ id: id++, kind, range, fua: prng.bool(0.1) })
      }
    }
    return steps
  })
  return { seed, size, blockSize, batches }
}

function pickRange(prng: Prng, { size, blockSize, region, unit = SECTOR }: WorkOptions): ByteRange {
  const { offset: start, length: span } = region ?? { offset: 0, length: size }
  const end = start + span
  const isWhole = prng.bool(0.4)
  const step = isWhole ? blockSize : unit
  const offset = alignDown(start + prng.below(span), step)
  const most = isWhole ? 4 * blockSize : 2 * blockSize
  const length = Math.max(step, alignDown(prng.below(most) + step, step))
  const from = Math.max(start, offset)
  return { offset: from, length: Math.max(1, Math.min(length, end - from)) }
}

const widened = ({ offset, length }: ByteRange, unit: number, size: number): ByteRange => {
  const from = alignDown(offset, unit)
  return { offset: from, length: Math.min(size, alignUp(offset + length, unit)) - from }
}

const overlaps = (a: ByteRange, b: ByteRange): boolean =>
  a.offset < b.offset + b.length && b.offset < a.offset + a.length

/** A base to begin with. */
export function workBase(size: number, seed: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size)
  new Prng(seed).fill(bytes)
  for (let at = 0; at < size; at++) bytes[at] = ((bytes[at] as number) & 0xfe) | 2
  return bytes
}

function bytesOf(plan: WorkPlan, id: number, length: number): Uint8Array {
  const bytes = new Prng(plan.seed * 65_537 + id).fill(new Uint8Array(length))
  for (let at = 0; at < length; at++) bytes[at] = (bytes[at] as number) | 1
  return bytes
}

/** Runs one batch after the other; `note` is called at once before and after each step. */
export async function runWork(
  plan: WorkPlan,
  overlay: OverlayDisk,
  note: (note: WorkNote) => void,
): Promise<void> {
  for (const batch of plan.batches) {
    await Promise.all(
      batch.map(async (step) => {
        note({ phase: 'begun', id: step.id })
        await runStep(plan, overlay, step)
        note({ phase: 'done', id: step.id })
      }),
    )
  }
}

async function runStep(plan: WorkPlan, overlay: OverlayDisk, step: WorkStep): Promise<void> {
  if (step.kind === 'flush') return overlay.flush()
  const { offset, length } = step.range
  switch (step.kind) {
    case 'write':
      return overlay.write(bytesOf(plan, step.id, length), offset, { fua: step.fua })
    case 'zero':
      return overlay.zero(offset, length, { fua: step.fua, mayTrim: step.id % 2 === 0 })
    case 'trim':
      return overlay.trim(offset, length, { fua: step.fua })
    case 'discard':
      await overlay.discard([step.range])
      return
    case 'read':
      return overlay.read(new Uint8Array(length), offset)
  }
}

/** What a step puts where; `undefined` for those that change nothing. */
interface Effect {
  readonly id: number
  readonly range: ByteRange
  /** From the start of the range; absent: zeroes. */
  readonly bytes?: Uint8Array
}

function effectOf(plan: WorkPlan, step: WorkStep, base: Uint8Array): Effect | undefined {
  const { id, kind } = step
  if (kind === 'flush' || kind === 'read') return undefined
  const { range } = step
  const { size, blockSize } = plan
  if (kind === 'write') return { id, range, bytes: bytesOf(plan, id, range.length) }
  if (kind === 'zero') return { id, range }
  if (kind === 'discard') {
    const whole = widened(range, blockSize, size)
    const bytes = new Uint8Array(whole.length)
    bytes.set(base.subarray(whole.offset, Math.min(base.length, whole.offset + whole.length)))
    return { id, range: whole, bytes }
  }
  const end = range.offset + range.length
  const offset = alignUp(range.offset, blockSize)
  const to = end === size ? end : alignDown(end, blockSize)
  return to > offset ? { id, range: { offset, length: to - offset } } : undefined
}

/** The steps that are surely there. */
function stableSteps(plan: WorkPlan, notes: readonly WorkNote[]): ReadonlySet<number> {
  const steps = new Map(plan.batches.flat().map((step) => [step.id, step]))
  const stable = new Set<number>()
  const done: number[] = []
  const doneAtFlush = new Map<number, number>()
  for (const { phase, id } of notes) {
    const step = steps.get(id)
    if (phase === 'begun') {
      if (step?.kind === 'flush') doneAtFlush.set(id, done.length)
      continue
    }
    done.push(id)
    if (step?.kind === 'flush') {
      for (const covered of done.slice(0, doneAtFlush.get(id))) stable.add(covered)
    } else if (step?.kind === 'discard' || (step !== undefined && 'fua' in step && step.fua)) {
      stable.add(id)
    }
  }
  return stable
}

export interface WorkCheck {
  readonly plan: WorkPlan
  readonly notes: readonly WorkNote[]
  readonly base: Uint8Array
  /** What the overlay had, stably, before the first step; the base unless told. */
  readonly before?: Uint8Array
  /** What is there now of `region`, and where that is; the whole overlay unless told. */
  readonly content: Uint8Array
  readonly start?: number
  /** Bytes that come together from one step: 512 for steps in whole sectors, else 1. */
  readonly unit: number
}

/** Throws with the first unit that is nothing that it may be. */
export function checkWork(check: WorkCheck): void {
  const { plan, notes, base, before = base, content, start = 0, unit } = check
  const begun = new Set(notes.filter(({ phase }) => phase === 'begun').map(({ id }) => id))
  const order = notes.filter(({ phase }) => phase === 'begun').map(({ id }) => id)
  const steps = new Map(plan.batches.flat().map((step) => [step.id, step]))
  const stable = stableSteps(plan, notes)
  const effects = order.flatMap((id) => {
    const step = steps.get(id)
    const effect = step && begun.has(id) ? effectOf(plan, step, base) : undefined
    return effect === undefined ? [] : [effect]
  })
  for (let at = 0; at < content.length; at += unit) {
    const offset = start + at
    const length = Math.min(unit, content.length - at)
    const here = content.subarray(at, at + length)
    if (!isAllowed(here, offset, effects, stable, before)) {
      const hex = Buffer.from(here.subarray(0, 8)).toString('hex')
      const touching = effects
        .filter(({ range }) => overlaps(range, { offset, length }))
        .map(({ id }) => `${id} ${steps.get(id)?.kind}${stable.has(id) ? ' (stable)' : ''}`)
      throw new Error(
        `${length} bytes at ${offset} (block ${Math.floor(offset / plan.blockSize)}) begin with ${hex}: neither the base nor what may be there of steps ${touching.join(', ') || '(none)'}`,
      )
    }
  }
}

function isAllowed(
  here: Uint8Array,
  offset: number,
  effects: readonly Effect[],
  stable: ReadonlySet<number>,
  before: Uint8Array,
): boolean {
  for (let index = effects.length - 1; index >= 0; index--) {
    const effect = effects[index] as Effect
    const { range } = effect
    if (offset < range.offset || offset >= range.offset + range.length) continue
    const from = offset - range.offset
    const length = Math.min(here.length, range.length - from)
    if (isSame(here.subarray(0, length), effect.bytes?.subarray(from, from + length))) return true
    if (stable.has(effect.id)) return false
  }
  return isSame(here, padded(before, offset, here.length))
}

/** Zeroes where the base has ended. */
function padded(base: Uint8Array, offset: number, length: number): Uint8Array {
  const bytes = base.subarray(offset, offset + length)
  if (bytes.length === length) return bytes
  const all = new Uint8Array(length)
  all.set(bytes)
  return all
}

const isSame = (here: Uint8Array, there: Uint8Array | undefined): boolean =>
  here.every((byte, index) => byte === (there?.[index] ?? 0))
