import type { PageAddress } from './page-address'

/** The part of Electron's WebFrameMain that is looked at. */
export interface SenderFrame {
  readonly origin: string
  readonly parent: SenderFrame | null
}

/** Whether a message comes from the main frame of the page itself; a frame that is gone is `null`. */
export function isOurPage(frame: SenderFrame | null, page: PageAddress): boolean {
  return frame !== null && frame.parent === null && frame.origin === page.origin
}
