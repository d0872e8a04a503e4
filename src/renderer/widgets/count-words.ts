import { groupDigits } from '../../engine/base/size-text'

/** `1 range`, `1,200 ranges`. */
export const countOf = (count: number, noun: string): string =>
  `${groupDigits(count)} ${noun}${count === 1 ? '' : 's'}`
