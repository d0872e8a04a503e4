// What `platter info` says of an image: everything that can be told without changing anything.

import type { ImageInfo, PartitionTable } from '../bridge/model'
import type { Capabilities } from '../engine/disk/disk'
import { backgroundClock } from '../engine/io/system-clock'
import { reportNbdServer } from '../engine/nbd/list-exports'
import { NbdDisk } from '../engine/nbd/nbd-disk'
import { parseNbdUri } from '../engine/nbd/uri'
import { openImage } from './locators'
import {
  describeExport,
  describeListed,
  describeServer,
  type NbdinfoExport,
  type NbdinfoServer,
} from './nbd-report'
import { connectionTo, PATIENCE } from './nbd-source'
import type { Patience } from './opened-image'
import { readContent } from './read-content'

/** With nbdinfo's keys as well when it is an NBD export. */
export interface ImageReport extends ImageInfo, Partial<NbdinfoServer> {
  readonly capabilities: Capabilities
  readonly partitions: PartitionTable
  /** Of the whole disk, where it has no partitions. */
  readonly fileSystem?: string
  readonly nbd?: NbdDisk['info']
  readonly exports?: readonly (NbdinfoExport & { readonly content: string })[]
}

export async function reportImage(
  locator: string,
  options: {
    readonly format?: string | undefined
    readonly patience?: Patience | undefined
  } = {},
): Promise<ImageReport> {
  const image = await openImage(locator, {
    ...options,
    listContexts: true,
    clock: backgroundClock,
    files: { mayWait: true },
  })
  try {
    const { disk } = image
    const { partitions, fileSystem } = await readContent(disk)
    return {
      ...image.info,
      capabilities: disk.capabilities,
      partitions,
      ...(fileSystem === undefined ? {} : { fileSystem }),
      ...(disk instanceof NbdDisk ? describeNbd(locator, disk, partitions, fileSystem) : {}),
    }
  } finally {
    await image.close()
  }
}

function describeNbd(
  uri: string,
  { info }: NbdDisk,
  partitions: PartitionTable,
  fileSystem: string | undefined,
): Partial<ImageReport> {
  const table = partitions.scheme === 'none' ? undefined : `${partitions.scheme} partition table`
  const content = fileSystem ?? table ?? 'data'
  const described = describeExport(uri, { ...info, contexts: info.offeredContexts })
  return { nbd: info, ...describeServer(info), exports: [{ ...described, content }] }
}

export type ExportsReport = NbdinfoServer & {
  readonly exports: readonly ReturnType<typeof describeListed>[]
}

/** What a server says of itself and of each export. */
export async function reportExports(
  uri: string,
  patience: Patience = PATIENCE,
): Promise<ExportsReport> {
  const server = await reportNbdServer({
    ...(await connectionTo(parseNbdUri(uri), patience)),
    clock: backgroundClock,
    timeoutMs: patience.connectMs,
  })
  const exports = server.exports.map((listed) => describeListed(uri, listed))
  return { ...describeServer(server), exports }
}
