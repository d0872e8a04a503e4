// From the path of an overlay file to its layers: the overlay file and its image file, and below them the
// base, which may be an overlay itself, frozen. Every file that takes part is checked to be there, to be
// as long as it must be, and to be no other one of them.

import { dirname, resolve } from 'node:path'
import { ensure } from '../engine/base/assert'
import { PlatterError } from '../engine/base/errors'
import { alignUp } from '../engine/base/ranges'
import type { Disk } from '../engine/disk/disk'
import type { FileFacts, FileSpace } from '../engine/disk/file-space'
import { AddCowFile } from '../engine/formats/add-cow/add-cow-file'
import { OverlayDisk } from '../engine/layers/overlay'
import { ReplaceableDisk } from '../engine/layers/replaceable-disk'
import { baseChanged, baseDifference, identifyBase } from './base-identity'

/** Overlays on overlays; more are refused, with OVERLAY_DEPTH. */
export const MAX_LAYERS = 64

export interface LayerOptions {
  readonly writable: boolean
  /** Take the base as it is now, and note that; unless set, BASE_CHANGED for another one. */
  readonly acceptBase?: boolean | undefined
  /** Called with why another base is not the known one, instead of refusing it; for who only looks. */
  readonly onBaseChanged?: ((why: string) => void) | undefined
  /** A commit that was cut short is to be looked at or finished; unless set, COMMIT_INTERRUPTED. */
  readonly interrupted?: boolean | undefined
  /** A frozen overlay may be written: only by who takes what lies above it away. */
  readonly frozenToo?: boolean | undefined
  readonly copyOnRead?: boolean | undefined
  readonly copyOnCache?: boolean | undefined
}

export interface OverlayLayer {
  /** Of the overlay file and the image file, absolute. */
  readonly path: string
  readonly imagePath: string
  /** Of the base: an image, or the overlay file of the next layer. */
  readonly basePath: string
  readonly file: AddCowFile
  readonly overlay: OverlayDisk
}

export interface OpenedLayers {
  /** Top first. */
  readonly layers: readonly [OverlayLayer, ...OverlayLayer[]]
  /** What lies below all of them. */
  readonly image: { readonly path: string; readonly disk: ReplaceableDisk }
}

/** Everything that was opened is closed again when it rejects. */
export async function openLayers(
  space: FileSpace,
  path: string,
  options: LayerOptions,
): Promise<OpenedLayers> {
  return new LayerOpener(space).open(path, options)
}

/** The names that an overlay file has for others are relative to its own place. */
export const resolveName = (overlayPath: string, name: string): string =>
  resolve(dirname(overlayPath), name)

class LayerOpener {
  readonly #space: FileSpace
  /** What is what, by device and inode. */
  readonly #seen = new Map<string, string>()
  readonly #layers: OverlayLayer[] = []

  constructor(space: FileSpace) {
    this.#space = space
  }

  async open(path: string, options: LayerOptions): Promise<OpenedLayers> {
    const image = await this.#openLayer(path, options, undefined)
    const [top, ...rest] = this.#layers.reverse()
    return { layers: [ensure(top, 'top layer'), ...rest], image }
  }

  /** Opens it and all below; the layers are noted from the bottom up. */
  async #openLayer(
    path: string,
    options: LayerOptions,
    parentId: Uint8Array | undefined,
    depth = 1,
  ): Promise<OpenedLayers['image']> {
    if (depth > MAX_LAYERS) {
      throw new PlatterError(
        'OVERLAY_DEPTH',
        `${path}: more than ${MAX_LAYERS} overlays lie on one another`,
      )
    }
    this.#noteFile(path, 'the overlay', await this.#factsOf(path, 'the overlay', 'NOT_FOUND'))
    const file = await this.#openFile(path, options)
    const closing: (() => Promise<void>)[] = [() => file.close()]
    try {
      checkFile(path, file, options, parentId)
      const imagePath = resolveName(path, file.facts.imageName)
      const basePath = resolveName(path, file.facts.baseName)
      const store = await this.#openImage(imagePath, file, options)
      closing.push(() => store.close())
      const ledger = await file.ledger(store.size).catch((error) => Promise.reject(at(path, error)))
      const below = await this.#openBase(basePath, file, options, depth)
      closing.push(() => below.close())
      const size = file.header?.size ?? store.size
      const overlay = new OverlayDisk({
        base: below.disk,
        store,
        blockSize: file.facts.clusterSize,
        size,
        ledger,
        frozen: !options.writable,
        copyOnRead: options.copyOnRead === true,
        copyOnCache: options.copyOnCache === true,
      })
      this.#layers.push({ path, imagePath, basePath, file, overlay })
      return below.image
    } catch (error) {
      for (const close of closing.reverse()) await close()
      throw error
    }
  }

  /** With what a change of size left behind cut off, when it may be written. */
  async #openFile(path: string, { writable }: LayerOptions): Promise<AddCowFile> {
    const file = await this.#openFileOnce(path, writable)
    const cutTo = file.lengthToCutTo
    if (!writable || cutTo === undefined) return file
    await file.close()
    await this.#cut(path, cutTo)
    return this.#openFileOnce(path, writable)
  }

  async #openFileOnce(path: string, writable: boolean): Promise<AddCowFile> {
    const disk = await this.#space.open(path, { writable, exclusive: writable })
    try {
      return await AddCowFile.open(disk)
    } catch (error) {
      await disk.close()
      throw at(path, error)
    }
  }

  /** Stable before the header says that all is in order. */
  async #cut(path: string, size: number): Promise<void> {
    await this.#space.resize(path, size)
    const disk = await this.#space.open(path, { writable: true })
    try {
      await disk.flush()
    } finally {
      await disk.close()
    }
  }

  async #openImage(path: string, file: AddCowFile, { writable }: LayerOptions): Promise<Disk> {
    const facts = await this.#factsOf(path, 'the image file of the overlay', 'OVERLAY_FILE_MISSING')
    this.#noteFile(path, 'the image file', facts)
    const { header } = file
    const needed = header && alignUp(header.size, header.clusterSize)
    const tooLong = needed !== undefined && facts.size > needed
    if (needed !== undefined && (facts.size < needed || (tooLong && header?.state === 'clean'))) {
      throw new PlatterError(
        'OVERLAY_SIZE',
        `${path}: the image file of the overlay has ${facts.size} bytes, and whole blocks of its disk take ${needed}`,
        { data: { length: facts.size, needed } },
      )
    }
    if (writable && tooLong) await this.#cut(path, needed)
    return this.#space.open(path, { writable, exclusive: writable })
  }

  async #openBase(basePath: string, file: AddCowFile, options: LayerOptions, depth: number) {
    const facts = await this.#factsOf(basePath, 'the base of the overlay', 'OVERLAY_FILE_MISSING')
    if (file.facts.baseFormat === 'add-cow') {
      const { acceptBase, onBaseChanged } = options
      const frozen = { writable: false, acceptBase, onBaseChanged }
      const parentId = file.header?.parentId
      const image = await this.#openLayer(basePath, frozen, parentId, depth + 1)
      const layer = ensure(this.#layers.at(-1), 'frozen layer')
      const close = async () => {
        for (const { overlay } of this.#layers.splice(0).reverse()) await overlay.close()
        await image.disk.close()
      }
      return { disk: layer.overlay, image, close }
    }
    this.#noteFile(basePath, 'the base', facts)
    const disk = new ReplaceableDisk(await this.#space.open(basePath, { writable: false }))
    try {
      await this.#checkIdentity(basePath, disk, file, options)
    } catch (error) {
      await disk.close()
      throw error
    }
    return { disk, image: { path: basePath, disk }, close: () => disk.close() }
  }

  /** A commit that was cut short has changed the base itself. */
  async #checkIdentity(path: string, disk: Disk, file: AddCowFile, options: LayerOptions) {
    const { header } = file
    if (header === undefined || header.state === 'committing') return
    if (header.undo === 'pending') return
    const now = await identifyBase(this.#space, path, disk)
    const why = baseDifference(header.base, now)
    if (why !== undefined && options.acceptBase !== true) {
      if (options.onBaseChanged === undefined) throw baseChanged(path, why)
      options.onBaseChanged(why)
    }
    if (why !== undefined && options.writable && options.acceptBase === true)
      await file.update((known) => ({ ...known, base: now }))
  }

  async #factsOf(
    path: string,
    what: string,
    code: 'NOT_FOUND' | 'OVERLAY_FILE_MISSING',
  ): Promise<FileFacts> {
    const facts = await this.#space.facts(path)
    if (facts !== undefined) return facts
    throw new PlatterError(code, `${path}: ${what} is not there`, { data: { path } })
  }

  #noteFile(path: string, what: string, { device, inode }: FileFacts): void {
    const key = `${device}:${inode}`
    const other = this.#seen.get(key)
    if (other !== undefined) {
      throw new PlatterError(
        'OVERLAY_LOOP',
        `${path}: ${what} cannot be the same file as ${other}`,
        { data: { path } },
      )
    }
    this.#seen.set(key, `${what} (${path})`)
  }
}

function checkFile(
  path: string,
  file: AddCowFile,
  options: LayerOptions,
  parentId: Uint8Array | undefined,
): void {
  const { baseFormat, imageFormat } = file.facts
  for (const [what, format] of [
    ['base', baseFormat],
    ['image file', imageFormat],
  ] as const) {
    if (format === 'raw' || (format === 'add-cow' && what === 'base')) continue
    throw new PlatterError(
      'OVERLAY_FORMAT',
      `${path}: the ${what} of the overlay is recorded as '${format}', which is not read; it is not guessed`,
    )
  }
  const { header } = file
  if (header?.state === 'committing' && options.interrupted !== true) {
    throw new PlatterError(
      'COMMIT_INTERRUPTED',
      `${path}: a commit of this overlay was cut short; everything is still staged: finish it with 'platter overlay commit'`,
      { data: { path } },
    )
  }
  if (header !== undefined && header.checkpointName !== '' && options.writable) {
    if (options.frozenToo !== true) {
      throw new PlatterError(
        'READ_ONLY',
        `${path}: the overlay is frozen as checkpoint '${header.checkpointName}': others may lie on it`,
        { data: { path } },
      )
    }
  }
  if (parentId === undefined) return
  const isParent = header !== undefined && Buffer.compare(header.id, parentId) === 0
  if (isParent) return
  throw new PlatterError(
    'BASE_CHANGED',
    `${path}: it is not the frozen overlay that was the base; nothing was changed`,
    { data: { path } },
  )
}

/** A failure of the pure rooms, with the file that it is about. */
function at(path: string, error: unknown): unknown {
  if (!(error instanceof PlatterError) || error.message.startsWith(path)) return error
  const { code, message, data } = error
  return new PlatterError(code, `${path}: ${message}`, { cause: error, data: { ...data, path } })
}
