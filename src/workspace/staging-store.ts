import { tmpdir } from 'node:os'
import { PlatterError } from '../engine/base/errors'
import { alignUp } from '../engine/base/ranges'
import type { FileDisk, FileServices } from '../engine/io/file-disk'
import { createTempDisk } from '../engine/io/temp-disk'

/**
 * Where a temporary overlay keeps what is staged: a sparse file without a name. Not in /tmp, which
 * many systems keep in memory, where a guest's gigabytes would push everything else out; TMPDIR, where
 * it is set, is a person's own choice and is followed. Rejects with BAD_SIZE for a disk whose last block
 * would end past 2^53-1, and as createTempDisk does.
 */
export async function createStagingStore(
  size: number,
  blockSize: number,
  files: FileServices = {},
): Promise<FileDisk> {
  const whole = alignUp(size, blockSize)
  if (!Number.isSafeInteger(whole)) {
    throw new PlatterError(
      'BAD_SIZE',
      `overlay: ${size} bytes in whole blocks of ${blockSize} are above the largest supported 2^53-1`,
    )
  }
  const fallback = process.platform === 'linux' ? '/var/tmp' : tmpdir()
  try {
    return await createTempDisk(whole, process.env['TMPDIR'] || fallback, files)
  } catch (error) {
    if (!(error instanceof PlatterError)) throw error
    const { code, message, data } = error
    const what = 'there is no place for what is staged'
    throw new PlatterError(code, `${what}: ${message}`, { cause: error, data })
  }
}
