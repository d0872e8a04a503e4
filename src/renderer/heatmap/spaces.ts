// The four spaces of the map, as types that do not mix: bytes of the disk, cells of one zoom level,
// CSS pixels (where events happen), and pixels of the canvas (where painting happens).

declare const space: unique symbol
type In<Name extends string> = number & { readonly [space]: Name }

export type ByteOffset = In<'byte'>
/** Counts cells of `cellBytes` from the start of the disk. */
export type CellIndex = In<'cell'>
export type LogicalPx = In<'logical'>
export type PhysicalPx = In<'physical'>

export const asOffset = (n: number): ByteOffset => n as ByteOffset
export const asCell = (n: number): CellIndex => n as CellIndex
export const asLogical = (n: number): LogicalPx => n as LogicalPx
export const asPhysical = (n: number): PhysicalPx => n as PhysicalPx

export const toPhysical = (px: LogicalPx, dpr: number): PhysicalPx => asPhysical(px * dpr)
export const toLogical = (px: PhysicalPx, dpr: number): LogicalPx => asLogical(px / dpr)
