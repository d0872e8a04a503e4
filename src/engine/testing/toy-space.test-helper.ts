import { join } from 'node:path'
import type { FileSpace } from '../disk/file-space'
import { NodeFileSpace } from '../io/file-space'
import type { HoleWorker } from '../io/hole-worker'

/** The toy's files, `/d/…`, below a directory. */
export function toySpace(directory: string, holes: HoleWorker): FileSpace {
  // One worker for all: to start one takes longer than the whole toy.
  const space = new NodeFileSpace({ holes })
  const at = (path: string) => join(directory, path.slice('/d'.length))
  return {
    create: (path, size) => space.create(at(path), size),
    open: (path, options) => space.open(at(path), options),
    resize: (path, size) => space.resize(at(path), size),
    rename: (from, to) => space.rename(at(from), at(to)),
    remove: (path) => space.remove(at(path)),
    syncNames: (path) => space.syncNames(at(path)),
    facts: (path) => space.facts(at(path)),
  }
}
