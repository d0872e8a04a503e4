// Paints the map's two canvases, at most once an animation frame and only what has changed: cells when
// their bytes, the view or the theme did; the overlay when cursor, selection or hover did, and in each
// frame while something flashes.

import type { Touch } from '../../bridge/model'
import { ensure } from '../../engine/base/assert'
import { FrameLoop } from '../data/frame-loop'
import type { CellScene } from './cell-canvas'
import { CellCanvas } from './cell-canvas'
import { Flashes } from './flashes'
import type { OverlayScene } from './paint-overlay'
import { paintOverlay } from './paint-overlay'

export interface MapScene extends CellScene {
  readonly overlay: OverlayScene
  /** No fades: for people who asked for less motion. */
  readonly isStill: boolean
}

export class MapPainter {
  readonly #overlayCanvas: HTMLCanvasElement
  readonly #overlay: CanvasRenderingContext2D
  readonly #cells: CellCanvas
  readonly #flashes = new Flashes()
  readonly #loop = new FrameLoop((now) => this.#paint(now))
  #scene: MapScene | undefined
  #areCellsOld = false
  #isOverlayOld = false

  constructor(cells: HTMLCanvasElement, overlay: HTMLCanvasElement) {
    this.#cells = new CellCanvas(cells, contextOf(cells, { alpha: false }))
    this.#overlayCanvas = overlay
    this.#overlay = contextOf(overlay, {})
  }

  show(scene: MapScene): void {
    const before = this.#scene
    this.#scene = scene
    this.#areCellsOld ||= before === undefined || !sameCells(before, scene)
    this.#isOverlayOld ||= before?.overlay !== scene.overlay
    if (this.#areCellsOld || this.#isOverlayOld) this.#loop.request()
  }

  touch(touches: readonly Touch[]): void {
    if (touches.length === 0) return
    this.#flashes.add(touches, performance.now())
    this.#isOverlayOld = true
    this.#loop.request()
  }

  stop(): void {
    this.#loop.stop()
  }

  /** True while something still flashes. */
  #paint(now: number): boolean {
    const scene = this.#scene
    if (scene === undefined) return false
    if (this.#areCellsOld) this.#cells.paint(scene)
    this.#areCellsOld = false
    const flashes = this.#flashes.current(now)
    if (this.#isOverlayOld || flashes.length > 0) {
      this.#resizeOverlay(scene)
      paintOverlay(this.#overlay, scene.overlay, flashes, now, scene.isStill)
    }
    // One more frame after the last flash has faded takes it off.
    this.#isOverlayOld = flashes.length > 0
    return flashes.length > 0
  }

  #resizeOverlay({ overlay }: MapScene): void {
    const width = overlay.width + 2 * overlay.marginPx
    const height = overlay.height + 2 * overlay.marginPx
    if (this.#overlayCanvas.width !== width) this.#overlayCanvas.width = width
    if (this.#overlayCanvas.height !== height) this.#overlayCanvas.height = height
  }
}

const sameCells = (a: CellScene, b: CellScene) =>
  a.layout === b.layout &&
  a.width === b.width &&
  a.height === b.height &&
  a.cells === b.cells &&
  a.colours === b.colours

const contextOf = (canvas: HTMLCanvasElement, options: CanvasRenderingContext2DSettings) =>
  ensure(canvas.getContext('2d', options), 'a 2D canvas')
