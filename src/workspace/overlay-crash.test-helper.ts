// A lasting overlay on files that record everything, and what tests of crashes do with it.

import { expect } from 'vitest'
import type { ByteRange } from '../engine/base/ranges'
import { CrashBytes } from '../engine/testing/crash-bytes'
import { CrashFiles } from '../engine/testing/crash-files'
import { crashStates } from '../engine/testing/crash-states'
import { workBase } from '../engine/testing/overlay-work'
import { type LastingOverlay, openLastingOverlay } from './lasting-overlay'
import { createLastingOverlay } from './lasting-overlay-create'
import type { LayerOptions } from './lasting-overlay-layers'

export const CRASH_BLOCK = 4096
export const CRASH_PATH = '/d/staged.acow'
export const CRASH_IMAGE = '/d/staged.acow.image'
export const CRASH_BASE = '/d/base.img'

export interface CrashSetup {
  readonly version: 1 | 2
  readonly baseSize: number
  /** Of the overlay; the base's unless told. */
  readonly size?: number
  /** Where the base has bytes, and where work is done; everywhere unless told. */
  readonly region?: ByteRange
}

export const regionOf = ({ baseSize, size = baseSize, region }: CrashSetup): ByteRange =>
  region ?? { offset: 0, length: size }

/** A base alone. */
export function baseAlone(setup: CrashSetup): CrashFiles {
  const { offset, length } = setup.region ?? { offset: 0, length: setup.baseSize }
  const bytes = new CrashBytes(setup.baseSize)
  bytes.write(workBase(length, 77), offset)
  return new CrashFiles({
    names: new Map([[CRASH_BASE, 1]]),
    files: new Map([[1, { bytes, modifiedNs: 1n }]]),
  })
}

export const createAt = (files: CrashFiles, { version, size }: CrashSetup): Promise<void> =>
  createLastingOverlay(files, {
    path: CRASH_PATH,
    basePath: CRASH_BASE,
    version,
    blockSize: CRASH_BLOCK,
    format: 'raw',
    size,
  })

/** Base, overlay file and image file, all stable, and nothing recorded yet. */
export async function overlayOnCrashFiles(setup: CrashSetup): Promise<CrashFiles> {
  const files = baseAlone(setup)
  await createAt(files, setup)
  return files.settled()
}

export const openAt = (
  files: CrashFiles,
  options: Partial<LayerOptions> = {},
): Promise<LastingOverlay> => openLastingOverlay(files, CRASH_PATH, { writable: true, ...options })

export async function contentOf(
  lasting: LastingOverlay,
  { offset, length }: ByteRange,
): Promise<Uint8Array> {
  const content = new Uint8Array(length)
  await lasting.overlay.read(content, offset)
  return content
}

/** Opens it, reads it and closes it. */
export async function contentAt(
  files: CrashFiles,
  range: ByteRange,
  options: Partial<LayerOptions> = {},
): Promise<Uint8Array> {
  const lasting = await openAt(files, options)
  try {
    return await contentOf(lasting, range)
  } finally {
    await lasting.close()
  }
}

/** Nothing was ever written to the base. */
export function expectBaseUntouched(files: CrashFiles): void {
  const base = files.initial.names.get(CRASH_BASE)
  const touched = files.log.entries.filter(
    ({ operation }) => 'file' in operation && operation.file === base,
  )
  expect(touched).toEqual([])
}

export const isEqual = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0

/** Each state that a crash can leave; a failure of `check` says which state it was. */
export async function afterEveryCrash(
  files: CrashFiles,
  options: { readonly seed: number; readonly most: number },
  check: (space: CrashFiles, marks: readonly unknown[], index: number) => Promise<void>,
) {
  const states = crashStates(files, options)
  let index = 0
  for (const state of states) {
    const space = state.space()
    try {
      await check(space, state.marks, index)
      expect(space.openDisks).toBe(0)
    } catch (error) {
      const { message } = error as Error
      throw new Error(`seed ${options.seed}, state ${index}: ${message}\n${state.describe()}`, {
        cause: error,
      })
    }
    index++
  }
  return states.counts
}
