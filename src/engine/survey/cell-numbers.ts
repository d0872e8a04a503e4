/** One count of bytes a cell: 32 bits wide while a cell is below 4 GiB, else exact 64-bit floats. */
export type CellNumbers = Uint32Array | Float64Array

export const makeCellNumbers = (cellBytes: number, count: number): CellNumbers =>
  cellBytes < 2 ** 32 ? new Uint32Array(count) : new Float64Array(count)

/** Adds the bytes from `start` to `end` to the cells that they lie in; whole cells held nothing before. */
export function spreadRun(cells: CellNumbers, cellBytes: number, start: number, end: number): void {
  const first = Math.floor(start / cellBytes)
  const last = Math.floor((end - 1) / cellBytes)
  if (first === last) {
    cells[first] = (cells[first] as number) + (end - start)
    return
  }
  cells[first] = (cells[first] as number) + ((first + 1) * cellBytes - start)
  if (last > first + 1) cells.fill(cellBytes, first + 1, last)
  cells[last] = (cells[last] as number) + (end - last * cellBytes)
}
