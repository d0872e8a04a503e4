// Opens two images and compares what is in them.

import { type CompareOptions, type CompareResult, compareDisks } from '../engine/copy/compare-disks'
import { HoleWorker } from '../engine/io/hole-worker'
import { backgroundClock } from '../engine/io/system-clock'
import { DEFAULT_CONNECTIONS } from './copy-image'
import { openImage } from './locators'

export interface CompareImagesOptions extends Omit<CompareOptions, 'clock'> {
  /** Of both; probed unless told. */
  readonly format?: string | undefined
}

export async function compareImages(
  a: string,
  b: string,
  options: CompareImagesOptions,
): Promise<CompareResult> {
  const holes = new HoleWorker({ mayWait: true })
  const { format, signal } = options
  const opening = {
    clock: backgroundClock,
    connections: DEFAULT_CONNECTIONS,
    files: { holes },
    format,
    signal,
  }
  try {
    const left = await openImage(a, opening)
    try {
      const right = await openImage(b, opening)
      try {
        return await compareDisks(left.disk, right.disk, { ...options, clock: backgroundClock })
      } finally {
        await right.close()
      }
    } finally {
      await left.close()
    }
  } finally {
    await holes.close()
  }
}
