// `platter serve`: one image as one export, until it is told to stop. Read-only by default; a temporary
// overlay takes the writes with `cow`; the image itself does with `writable`.

import { PlatterError } from '../engine/base/errors'
import type { Disk } from '../engine/disk/disk'
import { inheritedSockets } from '../engine/io/inherited-sockets'
import { listenInherited, listenTransport } from '../engine/io/listen-transport'
import { backgroundClock } from '../engine/io/system-clock'
import type { TlsServerOptions } from '../engine/io/tls-server'
import { tlsServer } from '../engine/io/tls-server'
import { OverlayDisk } from '../engine/layers/overlay'
import { ReadOnlyDisk } from '../engine/layers/read-only'
import { ExportRegistry } from '../engine/nbd/export-registry'
import { NbdServer } from '../engine/nbd/nbd-server'
import type { ListenAddress, Listener, Transport } from '../engine/nbd/transport'
import { formatNbdUri } from '../engine/nbd/uri'
import { openImage } from './locators'
import { overlayContexts } from './overlay-contexts'
import { RequestFile } from './request-file'
import { createStagingStore } from './staging-store'

const GRACE_MS = 10_000

export interface ServeImageOptions {
  readonly locator: string
  readonly format?: string | undefined
  /** `inherited`: every one of these descriptors, which listen already. */
  readonly address: ListenAddress | { readonly kind: 'inherited'; readonly fds: readonly number[] }
  readonly exportName: string
  readonly mode: 'read-only' | 'cow' | 'writable'
  /** The overlay's unit, bytes; with `cow`. */
  readonly blockSize: number
  /** Encrypt connections; without it they are in the clear. */
  readonly tls?: TlsServerOptions | undefined
  /** Where every request is written down. */
  readonly log?:
    | {
        /** A file that is appended to; `-` is standard error. */
        readonly path: string
        /** Called once, when it takes no more; serving goes on. */
        readonly onFailure: (error: PlatterError) => void
      }
    | undefined
  /** Calls the opening off. */
  readonly signal?: AbortSignal | undefined
}

export interface ServedImage {
  readonly uri: string
  /**
   * Lets what is under way finish, flushes, and closes everything. Clients that are not done after some
   * seconds, or when `hurry` is aborted, are cut off. Rejects when the flush fails.
   */
  stop(hurry?: AbortSignal): Promise<void>
}

/** The server has the process to itself. */
const FILES = { mayWait: true }

export async function serveImage(options: ServeImageOptions): Promise<ServedImage> {
  const clock = backgroundClock
  const { locator, format, signal } = options
  const tls = options.tls === undefined ? undefined : await tlsServer(options.tls)
  const image = await openImage(locator, { clock, format, signal, files: FILES })
  const closing: (() => Promise<void>)[] = [() => image.close()]
  const closeAll = async () => {
    for (const close of closing.splice(0).reverse()) await close()
  }
  try {
    const disk = await composeDisk(image, options, closing)
    const registry = new ExportRegistry()
    registry.add({
      name: options.exportName,
      description: image.info.name,
      disk,
      readOnly: options.mode === 'read-only',
      contexts: disk instanceof OverlayDisk ? overlayContexts(disk) : [],
    })
    const log = options.log && (await RequestFile.open({ ...options.log, clock }))
    if (log !== undefined) closing.push(() => log.close())
    const server = new NbdServer({ exports: registry, clock, tls, log: log?.log })
    const listeners = await listenAt(options.address, (t) => server.accept(t))
    const [{ address }] = listeners
    return {
      uri: formatNbdUri(address, options.exportName, tls?.mode === 'required'),
      stop: async (hurry) => {
        const cutOff = () => {
          for (const client of server.clients) client.disconnect()
        }
        hurry?.addEventListener('abort', cutOff)
        for (const listener of listeners) await listener.close()
        await server.shutdown(GRACE_MS)
        try {
          if (disk.capabilities.write) await disk.flush()
        } finally {
          await closeAll()
        }
      },
    }
  } catch (error) {
    await closeAll()
    throw error
  }
}

async function listenAt(
  address: ServeImageOptions['address'],
  onTransport: (transport: Transport) => void,
): Promise<[Listener, ...Listener[]]> {
  if (address.kind !== 'inherited') return [await listenTransport(address, onTransport)]
  const [first, ...others] = address.fds
  if (first === undefined) throw new PlatterError('BAD_REQUEST', 'there is no socket to listen on')
  const listeners: [Listener, ...Listener[]] = [await listenInherited(first, onTransport)]
  for (const fd of others) listeners.push(await listenInherited(fd, onTransport))
  return listeners
}

/** The sockets that systemd, or another launcher, opened for this process; `undefined` without any. */
export function inheritedAddress(): ServeImageOptions['address'] | undefined {
  const fds = inheritedSockets(process.env, process.pid)
  return fds.length === 0 ? undefined : { kind: 'inherited', fds }
}

async function composeDisk(
  image: Awaited<ReturnType<typeof openImage>>,
  options: ServeImageOptions,
  closing: (() => Promise<void>)[],
): Promise<Disk> {
  const { mode, blockSize } = options
  if (mode === 'read-only') return new ReadOnlyDisk(image.disk)
  if (mode === 'writable') {
    const target = await image.openTarget()
    closing.push(() => target.release())
    return target.disk
  }
  const store = await createStagingStore(image.disk.size, blockSize, FILES)
  const overlay = new OverlayDisk({ base: image.disk, store, blockSize })
  closing.push(() => overlay.close())
  return overlay
}
