// The four things that the survey says of a byte, and how it writes them down: a run's class is a small
// number, the index of its name here.

import type { ExtentClass, ExtentFlags } from '../disk/extents'
import { classOf, EXTENT_HOLE, EXTENT_ZERO } from '../disk/extents'

/** `unknown` is what nobody has asked the disk about yet, or what it failed to answer. */
export type RunClass = ExtentClass | 'unknown'

export const RUN_CLASSES: readonly RunClass[] = ['data', 'zero', 'hole', 'unknown']

export const DATA = 0
export const ZERO = 1
export const HOLE = 2
export const UNKNOWN = 3

/** An index into RUN_CLASSES. */
export type RunKind = number

/** Exact bytes for each class; they add up to the length looked at. */
export type ClassTotals = Record<RunClass, number>

const FLAG_BITS = EXTENT_HOLE | EXTENT_ZERO
const KINDS = Array.from({ length: FLAG_BITS + 1 }, (_, flags) =>
  RUN_CLASSES.indexOf(classOf(flags)),
)

export const kindOfFlags = (flags: ExtentFlags): RunKind => KINDS[flags & FLAG_BITS] as RunKind

export const className = (kind: RunKind): RunClass => RUN_CLASSES[kind] as RunClass

export const noTotals = (): ClassTotals => ({ data: 0, zero: 0, hole: 0, unknown: 0 })
