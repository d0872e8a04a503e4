// What a host without native dialogs lists for the page's own open dialog: one directory, names and
// sizes only. Runs as the person who started the host and shows what that person may see.

import { readdir, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import type { Directory, DirectoryEntry } from '../bridge/model'
import { PlatterError } from '../engine/base/errors'

const MAX_ENTRIES = 2000

export async function listDirectory(path: string | undefined): Promise<Directory> {
  const dir = resolve(path ?? homedir())
  const names = await readNames(dir)
  const shown = names.slice(0, MAX_ENTRIES)
  const entries = await Promise.all(shown.map((name) => describe(dir, name)))
  const parent = dirname(dir)
  return {
    path: dir,
    ...(parent === dir ? {} : { parent }),
    entries: entries.filter((entry) => entry !== undefined).sort(byKindThenName),
    truncated: names.length > shown.length,
  }
}

async function readNames(dir: string): Promise<string[]> {
  try {
    return (await readdir(dir)).filter((name) => !name.startsWith('.'))
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new PlatterError('NOT_FOUND', `${dir}: there is no such directory`, { cause })
    }
    throw new PlatterError('NO_PERMISSION', `${dir}: cannot be listed (${code})`, { cause })
  }
}

async function describe(dir: string, name: string): Promise<DirectoryEntry | undefined> {
  try {
    const found = await stat(join(dir, name))
    if (found.isDirectory()) return { name, kind: 'directory' }
    if (found.isFile()) return { name, kind: 'file', size: found.size }
    return found.isBlockDevice() ? { name, kind: 'file' } : undefined
  } catch {
    // A dangling link, or gone since it was listed: nothing to open.
    return undefined
  }
}

const byKindThenName = (a: DirectoryEntry, b: DirectoryEntry) =>
  a.kind === b.kind ? a.name.localeCompare(b.name) : a.kind === 'directory' ? -1 : 1
