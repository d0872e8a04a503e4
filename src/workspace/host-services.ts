/** What a host can do for the pages that it shows; the workspace asks and never knows which host it is. */
export interface HostServices {
  readonly host: 'desktop' | 'browser'
  /** A native dialog; resolves to `undefined` when the person closed it. Absent: the page has its own. */
  readonly openImageDialog?: (signal: AbortSignal) => Promise<string | undefined>
  /** The same for a new file; whoever chose one that is there was asked by the dialog itself. */
  readonly saveFileDialog?: (
    asked: SaveFileDialog,
    signal: AbortSignal,
  ) => Promise<string | undefined>
}

export interface SaveFileDialog {
  readonly title: string
  /** What stands in its field at first. */
  readonly path: string
}
