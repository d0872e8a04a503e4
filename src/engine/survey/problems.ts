/** Sentences about what is wrong. A hostile table could make thousands of them; so many help nobody. */
export class Problems {
  readonly #sentences: string[] = []
  #more = 0

  add(sentence: string): void {
    if (this.#sentences.length < MAX_SENTENCES) this.#sentences.push(sentence)
    else this.#more++
  }

  toArray(): string[] {
    if (this.#more === 0) return [...this.#sentences]
    return [...this.#sentences, `There are ${this.#more} more problems of this kind.`]
  }
}

const MAX_SENTENCES = 32
