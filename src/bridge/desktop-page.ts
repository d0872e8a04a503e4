// What Electron's main process, the preload script and the page call the few things that they share.
// Everything else crosses over the port, by contract.ts.

/** The page to its own window, once it listens; the preload script then asks main for a port. */
export const PAGE_READY = 'platter:ready'
/** The preload script to the page, the port attached; also main to the preload script. */
export const PORT_MESSAGE = 'platter:port'
/** The preload script to main. */
export const PORT_REQUEST = 'platter:connect'

/** `window.platterDesktop`; absent in the browser host. */
export interface PlatterDesktop {
  readonly platform: string
  /** Where a dropped or picked DOM `File` lies on this machine; empty when it is no file on a disk. */
  pathForFile(file: unknown): string
}
