import type { EventName, Events } from '../bridge/contract'

export type EventListener = <E extends EventName>(name: E, data: Events[E]) => void

/** Hands what happens in the workspace to whoever listens: pages, the command line, Electron's main. */
export class EventHub {
  readonly #listeners = new Set<EventListener>()

  emit<E extends EventName>(name: E, data: Events[E]): void {
    for (const listener of [...this.#listeners]) listener(name, data)
  }

  /** The returned function takes the listener off again. */
  subscribe(listener: EventListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}
