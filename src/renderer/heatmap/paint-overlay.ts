// What lies over the cells and changes without them: flashes of activity, hover, selection, cursor. Few
// shapes, drawn anew as a whole on a canvas of their own. Verbs differ by shape: a write fills, a read
// is a ring, a trim points down, zeroes are hollow squares.

import type { ActivityVerb } from '../../bridge/model'
import type { ByteRange } from '../../engine/base/ranges'
import { endOf } from '../../engine/base/ranges'
import type { Palette } from '../theme/palette'
import type { Flash } from './flashes'
import { strengthOf } from './flashes'
import type { PixelPoint } from './hit-test'
import { outlineOfRun } from './hit-test'
import type { MapLayout } from './layout'
import { cellAt, rectOfCell } from './layout'
import type { CellIndex } from './spaces'
import { asCell } from './spaces'

/** The part of CanvasRenderingContext2D that is used: a test records it. */
export type OverlayContext = Pick<
  CanvasRenderingContext2D,
  | 'setTransform'
  | 'clearRect'
  | 'fillRect'
  | 'strokeRect'
  | 'beginPath'
  | 'moveTo'
  | 'lineTo'
  | 'closePath'
  | 'stroke'
  | 'fill'
  | 'globalAlpha'
  | 'fillStyle'
  | 'strokeStyle'
  | 'lineWidth'
>

export interface OverlayScene {
  readonly layout: MapLayout
  readonly palette: Palette
  /** Of the cells, and the margin around them that frames may use. */
  readonly width: number
  readonly height: number
  readonly marginPx: number
  readonly cursor: CellIndex
  readonly selection: ByteRange | undefined
  readonly hover: CellIndex | undefined
  readonly isFocused: boolean
}

/** Beyond this many cells a run gets one shape instead of one a cell. */
const MAX_GLYPHS = 600

export function paintOverlay(
  context: OverlayContext,
  scene: OverlayScene,
  flashes: readonly Flash[],
  now: number,
  isStill: boolean,
): void {
  const { layout, width, height, marginPx } = scene
  context.setTransform(1, 0, 0, 1, 0, 0)
  context.clearRect(0, 0, width + 2 * marginPx, height + 2 * marginPx)
  context.setTransform(1, 0, 0, 1, marginPx, marginPx)
  const drawnRows = Math.ceil(height / layout.rowPx)
  for (const flash of flashes) {
    context.globalAlpha = strengthOf(flash, now, isStill)
    paintFlash(context, scene, flash, drawnRows)
  }
  context.globalAlpha = 1
  if (scene.selection !== undefined) paintSelection(context, scene, scene.selection, drawnRows)
  if (scene.hover !== undefined) paintHover(context, scene, scene.hover)
  paintCursor(context, scene)
}

const unitOf = (layout: MapLayout) => Math.max(1, Math.round(layout.dpr))

function tracePath(context: OverlayContext, points: readonly PixelPoint[]): void {
  context.beginPath()
  points.forEach(([x, y], i) => {
    if (i === 0) context.moveTo(x, y)
    else context.lineTo(x, y)
  })
  context.closePath()
}

const lastCellOf = (layout: MapLayout, range: ByteRange) =>
  cellAt(layout, Math.max(range.offset, endOf(range) - 1))

function paintFlash(
  context: OverlayContext,
  { layout, palette, height }: OverlayScene,
  flash: Flash,
  drawnRows: number,
): void {
  const first = cellAt(layout, flash.offset)
  const last = lastCellOf(layout, flash)
  const colour = flash.verb === 'read' ? palette.ink : palette.dirty
  context.fillStyle = colour
  context.strokeStyle = colour
  context.lineWidth = unitOf(layout) * (layout.cellPx >= 6 * layout.dpr ? 2 : 1)
  if (flash.verb === 'write' || flash.verb === 'read') {
    for (const shape of outlineOfRun(layout, first, last, drawnRows)) {
      tracePath(context, shape)
      if (flash.verb === 'write') context.fill()
      else context.stroke()
    }
    return
  }
  const top = layout.topRow * layout.columns
  const from = Math.max(first, top)
  const to = Math.min(last, top + Math.ceil(height / layout.rowPx) * layout.columns - 1)
  const step = Math.max(1, Math.ceil((to - from + 1) / MAX_GLYPHS))
  for (let cell = from; cell <= to; cell += step) glyph(context, layout, flash.verb, asCell(cell))
}

function glyph(
  context: OverlayContext,
  layout: MapLayout,
  verb: ActivityVerb,
  cell: CellIndex,
): void {
  const { x, y } = rectOfCell(layout, cell)
  const side = layout.cellPx - layout.gapPx
  const tall = layout.rowPx - layout.gapPx
  const inset = context.lineWidth / 2
  if (verb === 'zero' || side < 5) {
    context.strokeRect(x + inset, y + inset, side - 2 * inset, tall - 2 * inset)
    return
  }
  const middle = y + tall / 2
  context.beginPath()
  context.moveTo(x + inset, middle - side * 0.2)
  context.lineTo(x + side / 2, middle + side * 0.25)
  context.lineTo(x + side - inset, middle - side * 0.2)
  context.stroke()
}

function paintSelection(
  context: OverlayContext,
  { layout, palette }: OverlayScene,
  selection: ByteRange,
  drawnRows: number,
): void {
  const unit = unitOf(layout)
  const first = cellAt(layout, selection.offset)
  for (const shape of outlineOfRun(layout, first, lastCellOf(layout, selection), drawnRows)) {
    tracePath(context, shape)
    context.globalAlpha = 0.16
    context.fillStyle = palette.ink
    context.fill()
    context.globalAlpha = 1
    context.strokeStyle = palette.halo
    context.lineWidth = 3 * unit
    context.stroke()
    context.strokeStyle = palette.ink
    context.lineWidth = unit
    context.stroke()
  }
}

function paintHover(
  context: OverlayContext,
  { layout, palette }: OverlayScene,
  cell: CellIndex,
): void {
  const { x, y } = rectOfCell(layout, cell)
  const unit = unitOf(layout)
  const side = layout.cellPx - layout.gapPx + unit
  const tall = layout.rowPx - layout.gapPx + unit
  context.strokeStyle = palette.ink
  context.lineWidth = unit
  context.globalAlpha = 0.75
  context.strokeRect(x - unit / 2, y - unit / 2, side, tall)
  context.globalAlpha = 1
}

/** A frame around the cell, dark and light, so that it stands out on every fill; thinner without focus. */
function paintCursor(
  context: OverlayContext,
  { layout, palette, cursor, isFocused }: OverlayScene,
) {
  const { x, y } = rectOfCell(layout, cursor)
  const unit = unitOf(layout)
  const side = Math.max(layout.cellPx - layout.gapPx, 4 * unit)
  const tall = Math.max(layout.rowPx - layout.gapPx, 4 * unit)
  const frame = (grow: number, thickness: number, colour: string) => {
    context.strokeStyle = colour
    context.lineWidth = thickness
    context.strokeRect(x - grow, y - grow, side + 2 * grow, tall + 2 * grow)
  }
  frame(2.5 * unit, unit, palette.halo)
  frame(isFocused ? unit : unit / 2, isFocused ? 2 * unit : unit, palette.ink)
}
