// Layout of a cells frame: for each class of CELL_CLASSES in order, one little-endian unsigned number of
// bytes a cell, all cells of a class together. 32 bits wide while a cell is below 4 GiB, else a 64-bit
// float, which holds every byte count below 2^53. Exact, so that picture, tooltip and legend agree.

import { assert } from '../engine/base/assert'
import type { CellClass } from './model'
import { CELL_CLASSES } from './model'

export type CellNumbers = Uint32Array<ArrayBuffer> | Float64Array<ArrayBuffer>

/** Bytes for each class of each cell; `cells.data[i]` belongs to cell firstCell + i. */
export type CellColumns = Readonly<Record<CellClass, CellNumbers>>

const isWide = (cellBytes: number) => cellBytes >= 2 ** 32

export function makeCellColumns(cellBytes: number, count: number): CellColumns {
  return columnsOver(new ArrayBuffer(frameLength(cellBytes, count)), cellBytes, count)
}

export const frameLength = (cellBytes: number, count: number): number =>
  CELL_CLASSES.length * count * (isWide(cellBytes) ? 8 : 4)

/** The frame of columns made by makeCellColumns: the buffer that they share, not a copy. */
export const encodeCells = (columns: CellColumns): Uint8Array<ArrayBuffer> =>
  new Uint8Array(columns.data.buffer)

export function decodeCells(bytes: Uint8Array, cellBytes: number): CellColumns {
  const width = isWide(cellBytes) ? 8 : 4
  const count = bytes.length / width / CELL_CLASSES.length
  assert(Number.isInteger(count), `cells frame of ${bytes.length} bytes`)
  const exact =
    bytes.byteOffset === 0 && bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice()
  return columnsOver(exact.buffer as ArrayBuffer, cellBytes, count)
}

function columnsOver(buffer: ArrayBuffer, cellBytes: number, count: number): CellColumns {
  const columns: Partial<Record<CellClass, CellNumbers>> = {}
  CELL_CLASSES.forEach((name, index) => {
    columns[name] = isWide(cellBytes)
      ? new Float64Array(buffer, index * count * 8, count)
      : new Uint32Array(buffer, index * count * 4, count)
  })
  return columns as CellColumns
}
