import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { PlatterError } from '../engine/base/errors'
import { FileDisk } from '../engine/io/file-disk'
import type { OpenedImage } from './opened-image'

/** BAD_REQUEST when the path leads to the image's own file: it would lose its name to its own copy. */
export async function refuseSameFile({ disk }: OpenedImage, target: string): Promise<void> {
  if (!(disk instanceof FileDisk)) return
  const { dev, ino } = await disk.identity()
  const there = await stat(resolve(target), { bigint: true }).catch(() => undefined)
  if (String(there?.dev) !== dev || String(there?.ino) !== ino) return
  const why = 'source and target are one and the same file; nothing was changed'
  throw new PlatterError('BAD_REQUEST', `${target}: ${why}`)
}
