import type { JobInfo } from '../../bridge/model'

/** `12 s left`, `3 min left`, `2 h 5 min left` at the rate of the last moments; empty while unknown. */
export function timeLeftText({
  done,
  total,
  rate,
}: Pick<JobInfo, 'done' | 'total' | 'rate'>): string {
  if (rate <= 0 || done >= total) return ''
  const seconds = Math.ceil((total - done) / rate)
  if (seconds < 60) return `${seconds} s left`
  const minutes = Math.ceil(seconds / 60)
  if (minutes < 60) return `${minutes} min left`
  const hours = Math.floor(minutes / 60)
  return hours < 100 ? `${hours} h ${minutes % 60} min left` : 'more than 100 h left'
}
