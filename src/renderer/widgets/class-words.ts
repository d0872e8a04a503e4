// The classes of the map as people read them.

import type { CellClass } from '../../bridge/model'

export const CLASS_TITLES: Readonly<Record<CellClass, string>> = {
  data: 'Data',
  zero: 'Zero',
  hole: 'Hole',
  unknown: 'Not surveyed',
  written: 'Written',
  zeroed: 'Zeroed',
}

export const CLASS_MEANINGS: Readonly<Record<CellClass, string>> = {
  data: 'Allocated, holds bytes',
  zero: 'Allocated, reads as zeroes',
  hole: 'Not allocated, reads as zeroes',
  unknown: 'Not looked at yet',
  written: 'Blocks of the overlay that were written',
  zeroed: 'Blocks of the overlay that read as zeroes',
}
