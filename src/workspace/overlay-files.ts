import type { FileSpace } from '../engine/disk/file-space'
import { NodeFileSpace } from '../engine/io/file-space'
import { HoleWorker } from '../engine/io/hole-worker'

/** Real files for work that has the process to itself; all that it opens has to be closed when it ends. */
export async function withOverlaySpace<T>(act: (space: FileSpace) => Promise<T>): Promise<T> {
  const { space, end } = overlaySpace()
  try {
    return await act(space)
  } finally {
    await end()
  }
}

/** As withOverlaySpace, until `end` is called. */
export function overlaySpace(): { space: FileSpace; end: () => Promise<void> } {
  const holes = new HoleWorker({ mayWait: true })
  return { space: new NodeFileSpace({ holes, mayWait: true }), end: () => holes.close() }
}
