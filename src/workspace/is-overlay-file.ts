// Whether a path is opened as an overlay. An overlay file names other files, to be read and to be written,
// and a guest writes the first bytes of its raw disk: what a file says of itself is not enough. So the name
// has to say it as well, or a person, by giving the format.

import { open, stat } from 'node:fs/promises'

const MAGIC = Buffer.from('ADD_COW\xff', 'latin1')
const OVERLAY_NAME = /\.(overlay|cow|add-?cow|undo)$/i

/** Whether the name alone says so. */
export const isOverlayName = (path: string): boolean => OVERLAY_NAME.test(path)

/** False too for what cannot be read: whoever opens it then says why. */
export async function isOverlayFile(path: string, format: string | undefined): Promise<boolean> {
  if (format !== undefined) return format === 'add-cow'
  return isOverlayName(path) && (await beginsAsOverlay(path))
}

async function beginsAsOverlay(path: string): Promise<boolean> {
  const facts = await stat(path).catch(() => undefined)
  if (facts?.isFile() !== true) return false
  const file = await open(path).catch(() => undefined)
  if (file === undefined) return false
  try {
    const head = Buffer.alloc(MAGIC.length)
    const { bytesRead } = await file.read(head, 0, head.length, 0)
    return bytesRead === head.length && head.equals(MAGIC)
  } catch {
    return false
  } finally {
    await file.close()
  }
}
