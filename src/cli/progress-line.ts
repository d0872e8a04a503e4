// How far long work is, on one line of a terminal that is written over, or a line a second elsewhere.

import { formatPercent, formatSize } from '../engine/base/size-text'

const LINE_MS = 1000

/** As the engine's copier tells it; bytes. */
export interface LineProgress {
  /** What is being done, where that is not always the same. */
  readonly phase?: string
  readonly done: number
  readonly total: number
  readonly bytesPerSecond: number
  readonly msLeft?: number
}

export interface LineStream {
  readonly isTTY?: boolean
  write(text: string): unknown
}

export class ProgressLine {
  readonly #stream: LineStream
  readonly #now: () => number
  #shownAt = Number.NEGATIVE_INFINITY
  #width = 0
  #last = ''

  constructor(stream: LineStream, now: () => number = () => performance.now()) {
    this.#stream = stream
    this.#now = now
  }

  show(progress: LineProgress): void {
    const text = progressText(progress)
    if (this.#stream.isTTY === true) {
      this.#stream.write(`\r${text.padEnd(this.#width)}`)
      this.#width = text.length
      return
    }
    const now = this.#now()
    if (progress.done < progress.total && now - this.#shownAt < LINE_MS) return
    const state = `${progress.phase} ${progress.done}`
    if (state === this.#last) return
    this.#shownAt = now
    this.#last = state
    this.#stream.write(`${text}\n`)
  }

  /** Leaves the last state on the terminal and begins a new line. */
  end(): void {
    if (this.#stream.isTTY === true && this.#width > 0) this.#stream.write('\n')
  }
}

/** `512 MiB of 1 GiB, 50.0 %, 1.2 GiB/s, 0:01 left`, with what is done in front */
export function progressText(progress: LineProgress): string {
  const { phase, done, total, bytesPerSecond, msLeft } = progress
  const parts = [`${formatSize(done)} of ${formatSize(total)}`, formatPercent(done, total)]
  if (bytesPerSecond > 0) parts.push(`${formatSize(Math.round(bytesPerSecond))}/s`)
  if (msLeft !== undefined && done < total) parts.push(`${clockText(msLeft)} left`)
  return `${phase === undefined ? '' : `${phase}: `}${parts.join(', ')}`
}

function clockText(ms: number): string {
  const seconds = Math.ceil(ms / 1000)
  const two = (value: number) => String(value).padStart(2, '0')
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60]
  const rest = two(seconds % 60)
  return hours > 0 ? `${hours}:${two(minutes)}:${rest}` : `${minutes}:${rest}`
}
