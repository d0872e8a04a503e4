import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensure } from '../engine/base/assert'

/** The folder of the built application, above whichever bundle this has ended up in. */
export function findAppDir(from: string = fileURLToPath(import.meta.url)): string {
  const found = parents(from).find((dir) => existsSync(join(dir, 'package.json')))
  return ensure(found, 'package.json above the command line')
}

function parents(path: string): string[] {
  const parent = dirname(path)
  return parent === path ? [] : [parent, ...parents(parent)]
}
