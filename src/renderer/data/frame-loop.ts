/** Runs a task once in the next animation frame, however often it is asked for. */
export class FrameLoop {
  readonly #task: (now: number) => boolean
  #handle: number | undefined

  /** The task gives true to be run again in the frame after. */
  constructor(task: (now: number) => boolean) {
    this.#task = task
  }

  request(): void {
    if (this.#handle !== undefined) return
    this.#handle = requestAnimationFrame((now) => {
      this.#handle = undefined
      if (this.#task(now)) this.request()
    })
  }

  stop(): void {
    if (this.#handle !== undefined) cancelAnimationFrame(this.#handle)
    this.#handle = undefined
  }
}
