// Seeded work on a lasting overlay of real files, as a program to be killed. argv: a KillJob as JSON. It
// says `begun N` and `done N` for each step.

import { writeSync } from 'node:fs'
import { Prng } from '../engine/base/prng'
import { NodeFileSpace } from '../engine/io/file-space'
import { HoleWorker } from '../engine/io/hole-worker'
import { planWork, runWork, type WorkOptions } from '../engine/testing/overlay-work'
import { openLastingOverlay } from './lasting-overlay'
import { makeCheckpoint, mergeDown } from './lasting-overlay-checkpoints'

export interface KillJob {
  readonly path: string
  readonly work: WorkOptions
  readonly copyOnRead: boolean
  /** Between parts of the work: the overlay is closed, frozen, merged. */
  readonly checkpoints: boolean
}

const PART = 4
const MOST_LAYERS = 3

const job = JSON.parse(process.argv[2] as string) as KillJob
const { path, copyOnRead } = job
const holes = new HoleWorker()
const space = new NodeFileSpace({ holes, mayWait: true })
const plan = planWork(job.work)
const prng = new Prng(job.work.seed)
const part = job.checkpoints ? PART : plan.batches.length
for (let at = 0; at < plan.batches.length; at += part) {
  const lasting = await openLastingOverlay(space, path, { writable: true, copyOnRead })
  await runWork(
    { ...plan, batches: plan.batches.slice(at, at + part) },
    lasting.overlay,
    (note) => {
      writeSync(1, `${note.phase} ${note.id}\n`)
    },
  )
  const depth = lasting.layers.length
  await lasting.close()
  if (!job.checkpoints) continue
  if (depth > 1 && (depth >= MOST_LAYERS || prng.bool())) await mergeDown(space, path)
  else await makeCheckpoint(space, path)
}
await holes.close()
