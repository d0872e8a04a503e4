import type { PartitionTable } from '../bridge/model'
import type { Disk } from '../engine/disk/disk'
import { detectFileSystem } from '../engine/survey/file-systems'
import { readPartitionTable } from '../engine/survey/partition-table'

/** What lies on a disk: its partitions, or, where it has no table, the file system that fills it. */
export async function readContent(
  disk: Disk,
  signal?: AbortSignal,
): Promise<{ partitions: PartitionTable; fileSystem: string | undefined }> {
  const partitions = await readPartitionTable(disk, signal)
  const fileSystem =
    partitions.partitions.length === 0
      ? await detectFileSystem(disk, 0, disk.size, signal)
      : undefined
  return { partitions, fileSystem }
}
