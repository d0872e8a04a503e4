// One small JSON file a person's configuration: read whole, checked, written beside and renamed, so that
// a crash leaves the old or the new one. A file that cannot be read or makes no sense counts as absent:
// settings must never keep the application from starting.

import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { z } from 'zod'
import { fileError } from '../engine/io/file-errors'

export class StoredJson<T> {
  readonly #path: string
  readonly #schema: z.ZodType<T>
  readonly #fallback: T
  #writing: Promise<void> = Promise.resolve()
  #value: T

  private constructor(path: string, schema: z.ZodType<T>, fallback: T, value: T) {
    this.#path = path
    this.#schema = schema
    this.#fallback = fallback
    this.#value = value
  }

  static async load<T>(path: string, schema: z.ZodType<T>, fallback: T): Promise<StoredJson<T>> {
    let value = fallback
    try {
      const parsed = schema.safeParse(JSON.parse(await readFile(path, 'utf8')))
      if (parsed.success) value = parsed.data
    } catch {
      // Absent, unreadable or not JSON: the fallback stands, and the next save replaces the file.
    }
    return new StoredJson(path, schema, fallback, value)
  }

  get value(): T {
    return this.#value
  }

  /** Takes the value at once and saves it; saves never overlap. Rejects when the disk refuses. */
  set(value: T): Promise<void> {
    const checked = this.#schema.safeParse(value)
    this.#value = checked.success ? checked.data : this.#fallback
    const text = `${JSON.stringify(this.#value, undefined, 2)}\n`
    this.#writing = this.#writing.catch(() => undefined).then(() => this.#save(text))
    return this.#writing
  }

  async #save(text: string): Promise<void> {
    const temporary = `${this.#path}.${process.pid}.tmp`
    try {
      await mkdir(dirname(this.#path), { recursive: true })
      await writeFile(temporary, text, { mode: 0o600 })
      await rename(temporary, this.#path)
    } catch (error) {
      throw fileError(error, this.#path, 'cannot be saved')
    }
  }
}
