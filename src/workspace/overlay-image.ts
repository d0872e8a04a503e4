// An overlay file as an image that is looked at, copied, compared or served for reading: what is staged in
// it over its base. Nothing is written to any of its files; whoever wants to write opens a session of it,
// or serves it with `--overlay`.

import { basename } from 'node:path'
import { PlatterError } from '../engine/base/errors'
import type { FileServices } from '../engine/io/file-disk'
import { NodeFileSpace } from '../engine/io/file-space'
import { ReadOnlyDisk } from '../engine/layers/read-only'
import { openLastingOverlay } from './lasting-overlay'
import type { OpenedImage } from './opened-image'

const READ_ONLY = 'an overlay file is written by its own session, or by serve --overlay'

/** Rejects as openLastingOverlay does; a base that changed and a commit cut short are notes. */
export async function openOverlayImage(
  path: string,
  files: FileServices | undefined,
): Promise<OpenedImage> {
  const notes: string[] = []
  const lasting = await openLastingOverlay(new NodeFileSpace(files), path, {
    writable: false,
    interrupted: true,
    onBaseChanged: (why) => notes.push(`${path}: its base changed since: ${why}`),
  })
  const { overlay, header } = lasting
  if (header?.state === 'committing') notes.push(`${path}: a commit of it was cut short`)
  const disk = new ReadOnlyDisk(overlay)
  return {
    info: {
      locator: path,
      name: basename(path),
      kind: 'file',
      format: 'add-cow',
      size: disk.size,
      blockSize: disk.blockSize,
      hasExtents: disk.capabilities.extents,
      readOnlyReason: READ_ONLY,
      ...(notes.length === 0 ? {} : { notes }),
    },
    disk,
    changedSince: async () => undefined,
    accept: async () => undefined,
    openTarget: async () => {
      throw new PlatterError('READ_ONLY', `${path}: ${READ_ONLY}; nothing was changed`)
    },
    close: () => lasting.close(),
  }
}
