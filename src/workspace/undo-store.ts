// Where a host keeps the undo files of commits: a directory of its own, bounded in number and bytes, from
// which the oldest goes first.

import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { imagePathOf } from './lasting-overlay-create'

const SUFFIX = '.undo'

export interface UndoBounds {
  readonly files: number
  readonly bytes: number
}

const BOUNDS: UndoBounds = { files: 16, bytes: 16 * 1024 * 1024 * 1024 }

export class UndoStore {
  readonly #directory: string
  readonly #bounds: UndoBounds
  #count = 0

  constructor(directory: string, bounds: UndoBounds = BOUNDS) {
    this.#directory = directory
    this.#bounds = bounds
  }

  /** A name that nobody has; its directory is there. */
  async newPath(): Promise<string> {
    // What is overwritten may be anything: nobody else reads it.
    await mkdir(this.#directory, { recursive: true, mode: 0o700 })
    const stamp = new Date().toISOString().replace(/[:.]/g, '-')
    return join(this.#directory, `${stamp}-${process.pid}-${++this.#count}${SUFFIX}`)
  }

  owns(path: string): boolean {
    return dirname(path) === this.#directory && path.endsWith(SUFFIX)
  }

  async remove(path: string): Promise<void> {
    for (const each of [path, imagePathOf(path)]) await rm(each, { force: true })
  }

  /** Drops the oldest until the rest is within bounds; the newest always stays. */
  async prune(): Promise<void> {
    const names = (await readdir(this.#directory)).filter((name) => name.endsWith(SUFFIX))
    const files = await Promise.all(names.map((name) => sizeAndAge(join(this.#directory, name))))
    files.sort((a, b) => b.mtimeMs - a.mtimeMs)
    let bytes = 0
    for (const [index, file] of files.entries()) {
      bytes += file.bytes
      const fits = index < this.#bounds.files && bytes <= this.#bounds.bytes
      if (index > 0 && !fits) await this.remove(file.path)
    }
  }
}

async function sizeAndAge(path: string) {
  const both = await Promise.all(
    [path, imagePathOf(path)].map((each) => stat(each).catch(() => undefined)),
  )
  const bytes = both.reduce((sum, found) => sum + (found?.blocks ?? 0) * 512, 0)
  return { path, bytes, mtimeMs: both[0]?.mtimeMs ?? 0 }
}
