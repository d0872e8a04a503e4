// What `platter info` says of an image: everything that can be told without changing anything.

import type { ImageInfo, NbdExportInfo, PartitionTable } from '../bridge/model'
import type { Capabilities } from '../engine/disk/disk'
import { backgroundClock } from '../engine/io/system-clock'
import { listNbdExports } from '../engine/nbd/list-exports'
import { NbdDisk } from '../engine/nbd/nbd-disk'
import { parseNbdUri } from '../engine/nbd/uri'
import { dialer, openImage, PATIENCE, type Patience } from './locators'
import { readContent } from './read-content'

export interface ImageReport extends ImageInfo {
  readonly capabilities: Capabilities
  readonly partitions: PartitionTable
  /** Of the whole disk, where it has no partitions. */
  readonly fileSystem?: string
  readonly nbd?: NbdDisk['info']
}

export async function reportImage(
  locator: string,
  options: {
    readonly format?: string | undefined
    readonly patience?: Patience | undefined
  } = {},
): Promise<ImageReport> {
  const image = await openImage(locator, { ...options, clock: backgroundClock })
  try {
    const { disk } = image
    const { partitions, fileSystem } = await readContent(disk)
    return {
      ...image.info,
      capabilities: disk.capabilities,
      partitions,
      ...(fileSystem === undefined ? {} : { fileSystem }),
      ...(disk instanceof NbdDisk ? { nbd: disk.info } : {}),
    }
  } finally {
    await image.close()
  }
}

export async function reportExports(
  uri: string,
  patience: Patience = PATIENCE,
): Promise<readonly NbdExportInfo[]> {
  return await listNbdExports({
    dial: dialer(parseNbdUri(uri), patience),
    clock: backgroundClock,
    timeoutMs: patience.connectMs,
  })
}
