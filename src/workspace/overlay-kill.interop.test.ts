// Programs that work on lasting overlays of real files, killed at random instants: each is opened again,
// looked at, and worked on by the next one, until that is killed.

import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { NodeFileSpace } from '../engine/io/file-space'
import { HoleWorker } from '../engine/io/hole-worker'
import { OpenHandles } from '../engine/io/open-handles'
import { killAtRandom } from '../engine/testing/kill-harness'
import { checkWork, planWork, type WorkNote, workBase } from '../engine/testing/overlay-work'
import { withTempDir } from '../engine/testing/peer-process'
import { openLastingOverlay } from './lasting-overlay'
import { mergeDown } from './lasting-overlay-checkpoints'
import { createLastingOverlay } from './lasting-overlay-create'
import type { KillJob } from './overlay-kill-program.test-helper'
import program from './overlay-kill-program.test-helper?nodeProgram'

const BLOCK = 4096
const SIZE = 40 * BLOCK + 512

interface Workload {
  readonly name: string
  readonly kills: number
  readonly version: 1 | 2
  readonly batches: number
  readonly unit?: number
  readonly copyOnRead?: boolean
  readonly checkpoints?: boolean
}

const WORKLOADS: readonly Workload[] = [
  { name: 'version 1', kills: 40, version: 1, batches: 30 },
  { name: 'version 2', kills: 60, version: 2, batches: 30 },
  { name: 'version 2, any bytes', kills: 30, version: 2, batches: 30, unit: 1 },
  { name: 'version 2, copied when read', kills: 20, version: 2, batches: 30, copyOnRead: true },
  { name: 'version 2, checkpoints', kills: 55, version: 2, batches: 16, checkpoints: true },
]

/** After so many the files are made anew. */
const RUNS_ON_ONE = 8

let holes: HoleWorker
beforeAll(() => {
  holes = new HoleWorker()
})
afterAll(() => holes.close())

interface Run {
  readonly dir: string
  readonly job: KillJob
  /** What the overlay had, stably, before it. */
  readonly before: Uint8Array
}

const noteOf = (line: string): WorkNote => {
  const [phase, id] = line.split(' ')
  return { phase: phase as WorkNote['phase'], id: Number(id) }
}

async function killWorkload(workload: Workload, root: string) {
  const { version, batches, unit = 512, copyOnRead = false, checkpoints = false } = workload
  const handles = new OpenHandles()
  const space = new NodeFileSpace({ holes, handles })
  const base = workBase(SIZE, 77)
  let before: Uint8Array = base
  let dir = ''
  const prepare = async (run: number) => {
    if (run % RUNS_ON_ONE === 0) {
      dir = join(root, String(run))
      await mkdir(dir)
      await writeFile(join(dir, 'base.img'), base)
      before = base
      const [path, basePath] = [join(dir, 'staged.acow'), join(dir, 'base.img')]
      const options = { path, basePath, version, blockSize: BLOCK, format: 'raw' }
      await createLastingOverlay(space, options)
    }
    const blockSize = version === 1 ? 512 : BLOCK
    const discards = !checkpoints
    const work = { seed: run + 1, size: SIZE, blockSize, batches, unit, discards }
    const job: KillJob = { path: join(dir, 'staged.acow'), work, copyOnRead, checkpoints }
    return { args: [JSON.stringify(job)], state: { dir, job, before } }
  }
  const check = async ({ dir, job, before: had }: Run, lines: readonly string[]) => {
    const content = await readAgain(space, job.path)
    const notes = lines.map(noteOf)
    const plan = planWork(job.work)
    checkWork({ plan, notes, base, before: had, content, unit })
    expect(Buffer.compare(await readFile(join(dir, 'base.img')), base)).toBe(0)
    expect(handles.list()).toEqual([])
    before = content
  }
  return killAtRandom<Run>({ program, kills: workload.kills, seed: 11, prepare, check })
}

/** Opens it for writing, as the documentation says it can be, reads it, and closes it properly. */
async function readAgain(space: NodeFileSpace, path: string): Promise<Uint8Array> {
  const found = await openLastingOverlay(space, path, { writable: true, interrupted: true })
  const content = new Uint8Array(SIZE)
  await found.overlay.read(content, 0)
  const isCut = found.header?.state === 'committing'
  await found.close()
  if (!isCut) return content
  await mergeDown(space, path)
  const merged = await openLastingOverlay(space, path, { writable: true })
  const after = new Uint8Array(SIZE)
  await merged.overlay.read(after, 0)
  await merged.close()
  expect(Buffer.compare(after, content)).toBe(0)
  return content
}

describe('a killed program leaves what was stable, and an overlay that the next one takes up', () => {
  it.concurrent.each(WORKLOADS)(
    '$kills kills: $name',
    (workload) =>
      withTempDir(async (root) => {
        const counts = await killWorkload(workload, root)
        expect(counts.kills).toBe(workload.kills)
        const { kills, ended, lines } = counts
        process.stdout.write(
          `${workload.name}: ${kills} kills, ${ended} came to their end, ${lines} lines said\n`,
        )
      }),
    180_000,
  )

  it('at least 200 times in all', () => {
    const kills = WORKLOADS.reduce((sum, workload) => sum + workload.kills, 0)
    expect(kills).toBeGreaterThanOrEqual(200)
  })
})
