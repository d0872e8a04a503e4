import type { ImageInfo } from '../../bridge/model'

/**
 * A name for a new file that belongs to an image: beside it, or in `home` where the image is no file.
 * `disk.img` with `-copy` becomes `disk-copy.img`, or with `.overlay` in place of the ending `disk.overlay`.
 */
export function suggestPath(
  image: ImageInfo,
  home: string,
  suffix: string,
  ending?: string,
): string {
  const folder = image.kind === 'file' ? folderOf(image.locator) : home
  const separator = folder.includes('\\') && !folder.includes('/') ? '\\' : '/'
  const name = image.kind === 'file' ? image.name : image.name.replace(/[^\w.-]+/g, '-') || 'disk'
  const dot = name.lastIndexOf('.')
  const stem = dot > 0 ? name.slice(0, dot) : name
  const last = ending ?? (dot > 0 ? name.slice(dot) : '.img')
  const start = folder.endsWith(separator) ? folder : folder + separator
  return `${start}${stem}${suffix}${last}`
}

/** Of a path, up to its last separator and without it, except for the root's. */
function folderOf(path: string): string {
  const at = Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\'))
  return at <= 0 ? path.slice(0, at + 1) : path.slice(0, at)
}
