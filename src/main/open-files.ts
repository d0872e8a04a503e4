// Opens what comes from outside the page: the command line, a second start of Platter, and the files and
// addresses that the system hands over. An NBD URI is asked about first, because any web page can make
// a browser pass one on.

import { app } from 'electron'
import { isNbdUri } from '../workspace/locators'
import type { Dialogs } from './dialogs'
import { requestedImages } from './requested-images'

export interface Opening {
  readonly dialogs: Dialogs
  readonly open: (locator: string) => Promise<unknown>
}

/** Collects requests from before `ready` on, and deals with them one after another once it may. */
export class OpenFiles {
  readonly #waiting: string[] = []
  #opening: Opening | undefined
  #busy = false

  /** Listens at once: macOS names files before the application is ready. */
  constructor(onRequest: () => void) {
    app.on('open-file', (event, path) => {
      event.preventDefault()
      this.#ask([path])
      onRequest()
    })
    app.on('open-url', (event, url) => {
      event.preventDefault()
      this.#ask([url])
      onRequest()
    })
    app.on('second-instance', (_event, _argv, _cwd, data) => {
      this.#ask(readHandOver(data))
      onRequest()
    })
    this.#ask(ownImages())
  }

  /** From now on requests are opened. */
  begin(opening: Opening): void {
    this.#opening = opening
    this.#ask([])
  }

  #ask(locators: readonly string[]): void {
    this.#waiting.push(...locators)
    if (this.#busy || this.#opening === undefined) return
    this.#busy = true
    void this.#work(this.#opening).finally(() => {
      this.#busy = false
    })
  }

  async #work({ dialogs, open }: Opening): Promise<void> {
    for (
      let locator = this.#waiting.shift();
      locator !== undefined;
      locator = this.#waiting.shift()
    ) {
      try {
        if (isNbdUri(locator) && !(await dialogs.confirmConnect(locator))) continue
        await open(locator)
      } catch (error) {
        await dialogs.showFailure(`${locator} was not opened`, error)
      }
    }
  }
}

/** What a second instance hands to the first; its own command line may be reordered on the way. */
export interface HandOver {
  readonly images: string[]
}

export const handOver = (): HandOver => ({ images: ownImages() })

function ownImages(): string[] {
  const namesApp = process.defaultApp === true
  return requestedImages({ argv: process.argv, cwd: process.cwd(), namesApp })
}

function readHandOver(data: unknown): string[] {
  const images = (data as Partial<HandOver> | null)?.images
  return Array.isArray(images) ? images.filter((each) => typeof each === 'string') : []
}
