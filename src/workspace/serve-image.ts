// `platter serve`: one image as one export, until it is told to stop. Read-only by default; a temporary
// overlay takes the writes with `cow`, one that lasts with `overlay`; the image itself does with `writable`.

import { ensure } from '../engine/base/assert'
import { PlatterError } from '../engine/base/errors'
import type { Disk } from '../engine/disk/disk'
import { FileDisk } from '../engine/io/file-disk'
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
import { openLastingOverlay } from './lasting-overlay'
import { createLastingOverlay } from './lasting-overlay-create'
import { openImage } from './locators'
import { basePathOf } from './overlay-actions'
import { overlayContexts } from './overlay-contexts'
import { overlaySpace } from './overlay-files'
import { RequestFile } from './request-file'
import { createStagingStore } from './staging-store'

const GRACE_MS = 10_000

export interface ServeImageOptions {
  readonly locator: string
  readonly format?: string | undefined
  /** `inherited`: every one of these descriptors, which listen already. */
  readonly address: ListenAddress | { readonly kind: 'inherited'; readonly fds: readonly number[] }
  readonly exportName: string
  readonly mode: 'read-only' | 'cow' | 'overlay' | 'writable'
  /** The overlay file, absolute; with `overlay`. */
  readonly overlay?: string | undefined
  readonly acceptBase?: boolean | undefined
  /** Of an overlay that is made, bytes. */
  readonly blockSize: number
  readonly copyOnRead?: boolean | undefined
  readonly copyOnCache?: boolean | undefined
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
  /** Who else writes the image, or that nobody can be kept from it. */
  readonly warning?: string | undefined
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
  if (options.mode === 'overlay') basePathOf(locator)
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
      warning: image.disk instanceof FileDisk ? image.disk.lockNote : undefined,
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
  if (mode === 'overlay') return openOverlay(image, options, closing)
  const store = await createStagingStore(image.disk.size, blockSize, FILES)
  const { copyOnRead = false, copyOnCache = false } = options
  const overlay = new OverlayDisk({ base: image.disk, store, blockSize, copyOnRead, copyOnCache })
  closing.push(() => overlay.close())
  return overlay
}

/** The lasting overlay, which is made when it is not there; BAD_REQUEST when it is over another image. */
async function openOverlay(
  image: Awaited<ReturnType<typeof openImage>>,
  options: ServeImageOptions,
  closing: (() => Promise<void>)[],
): Promise<Disk> {
  const path = ensure(options.overlay, 'the path of the overlay')
  const basePath = basePathOf(options.locator)
  const { blockSize, acceptBase, copyOnRead, copyOnCache } = options
  const { space, end } = overlaySpace()
  closing.push(end)
  if ((await space.facts(path)) === undefined) {
    const { format } = image.info
    await createLastingOverlay(space, { path, basePath, version: 2, blockSize, format })
  }
  const opening = { writable: true, acceptBase, copyOnRead, copyOnCache }
  const lasting = await openLastingOverlay(space, path, opening)
  closing.push(() => lasting.close())
  const [given, found] = [await space.facts(basePath), await space.facts(lasting.image.path)]
  if (given === undefined || given.inode !== found?.inode || given.device !== found.device) {
    throw new PlatterError(
      'BAD_REQUEST',
      `${path}: the overlay is over ${lasting.image.path}, not over ${basePath}`,
    )
  }
  return lasting.overlay
}
