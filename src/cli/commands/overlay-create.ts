import { createOverlay } from '../../workspace/overlay-actions'

export interface OverlayCreateOptions {
  readonly base: string
  readonly blockSize?: number
  readonly version?: 1 | 2
  readonly size?: number
  readonly format?: string
}

export const runOverlayCreate = (file: string, options: OverlayCreateOptions): Promise<void> =>
  createOverlay(file, options)
