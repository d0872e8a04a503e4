/**
 * Counts what is open: files, sockets, workers. Whoever composes the engine makes one and hands it to
 * everything that opens something, so that a test, or a host that shuts down, can name what was left.
 */
export class OpenHandles {
  readonly #open = new Map<number, string>()
  #next = 0

  /** Notes one more; the returned function notes that it is gone (again does nothing). */
  add(what: string): () => void {
    const id = this.#next++
    this.#open.set(id, what)
    return () => {
      this.#open.delete(id)
    }
  }

  get count(): number {
    return this.#open.size
  }

  /** What is open, oldest first. */
  list(): string[] {
    return [...this.#open.values()]
  }
}
