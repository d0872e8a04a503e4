const two = (n: number) => String(n).padStart(2, '0')

/** `14:03:27`, in the time zone of the person. */
export function timeText(ms: number): string {
  const at = new Date(ms)
  return [at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(':')
}

/** `2026-11-21 14:03`. */
export function dateText(ms: number): string {
  const at = new Date(ms)
  const day = [at.getFullYear(), at.getMonth() + 1, at.getDate()].map(two).join('-')
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}`
}

/** `14:03:27.042`. */
export const exactTimeText = (ms: number): string =>
  `${timeText(ms)}.${String(Math.floor(ms) % 1000).padStart(3, '0')}`
