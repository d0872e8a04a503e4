// What is kept beside an unfinished copy, so that it can go on later: whose copy it is and how far it
// came. Written beside and renamed, and only after a flush of the data that it speaks of.

import { readFile, rename, unlink, writeFile } from 'node:fs/promises'
import { z } from 'zod'
import { PlatterError } from '../engine/base/errors'
import { errnoName, fileError } from '../engine/io/file-errors'

/** Which source it is, in words and numbers that change when it does. */
const identity = z.record(z.string(), z.union([z.string(), z.number()]))

const schema = z.object({
  platterCopy: z.literal(1),
  source: identity,
  size: z.number().int().nonnegative(),
  /** Everything below is in the file, and stable. */
  completed: z.number().int().nonnegative(),
  /** Who writes it; absent when it was let go of. */
  pid: z.number().int().positive().optional(),
})

export type CopyState = z.infer<typeof schema>
export type SourceIdentity = CopyState['source']

/** `undefined` when there is none, or when it is not one of ours. */
export async function loadCopyState(path: string): Promise<CopyState | undefined> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return undefined
    throw fileError(error, path, 'cannot read the state of the copy')
  }
  try {
    const parsed = schema.safeParse(JSON.parse(text))
    return parsed.success && parsed.data.completed <= parsed.data.size ? parsed.data : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

export async function saveCopyState(path: string, state: CopyState): Promise<void> {
  const temporary = `${path}.tmp`
  try {
    await writeFile(temporary, `${JSON.stringify(state, undefined, 2)}\n`, { flush: true })
    await rename(temporary, path)
  } catch (error) {
    // What cannot be removed either adds nothing to the first reason.
    await unlink(temporary).catch(() => undefined)
    throw fileError(error, path, 'cannot save the state of the copy')
  }
}

export async function removeIfThere(path: string): Promise<void> {
  try {
    await unlink(path)
  } catch (error) {
    if (errnoName(error) !== 'ENOENT') throw fileError(error, path, 'cannot remove')
  }
}

/** IN_USE while another process still writes the copy that the state speaks of. */
export async function refuseLiveCopy(partial: string, state: CopyState): Promise<void> {
  if (state.pid === undefined || !(await isPlatter(state.pid))) return
  throw new PlatterError(
    'IN_USE',
    `${partial}: process ${state.pid} is copying into it; nothing was changed`,
    { data: { path: partial, pid: state.pid } },
  )
}

/** Whether that process is there and, where it can be told, is one of ours: numbers come round again. */
async function isPlatter(pid: number): Promise<boolean> {
  if (pid === process.pid) return true
  try {
    process.kill(pid, 0)
  } catch (error) {
    if (errnoName(error) === 'ESRCH') return false
  }
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => 'platter')
  return /platter|electron/i.test(command)
}
