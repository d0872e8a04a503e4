import { parseSize } from '../../engine/base/size-text'
import { resizeTo } from '../../workspace/overlay-actions'

export interface OverlayResizeOptions {
  readonly acceptBase?: boolean
}

/** `size` as a person wrote it. */
export const runOverlayResize = async (
  file: string,
  size: string,
  { acceptBase }: OverlayResizeOptions,
): Promise<void> => resizeTo(file, parseSize(size, 'size'), { acceptBase })
