// What is going on that the machine should know of: jobs show as progress on the window's icon, and
// while one runs or something is served the machine is asked not to fall asleep.

import type { EventName, Events } from '../bridge/contract'
import type { ExportId, JobId } from '../bridge/model'

/** Electron's progress bar: a fraction, or this for none. */
const NO_PROGRESS = -1

export interface Machine {
  /** 0…1, or -1 for none. */
  showProgress(fraction: number): void
  stayAwake(awake: boolean): void
}

export class RunningWork {
  readonly #machine: Machine
  readonly #jobs = new Map<JobId, number>()
  readonly #exports = new Set<ExportId>()

  constructor(machine: Machine) {
    this.#machine = machine
  }

  /** Listener of the workspace's events. */
  readonly onEvent = <E extends EventName>(name: E, data: Events[E]): void => {
    if (name === 'job.changed') this.#onJob(data as Events['job.changed'])
    else if (name === 'export.changed') this.#exports.add((data as Events['export.changed']).id)
    else if (name === 'export.stopped') {
      this.#exports.delete((data as Events['export.stopped']).export)
    } else return
    this.#machine.stayAwake(this.#jobs.size + this.#exports.size > 0)
  }

  #onJob(job: Events['job.changed']): void {
    if (job.kind === 'survey') return
    if (job.state === 'running') this.#jobs.set(job.id, job.total > 0 ? job.done / job.total : 0)
    else this.#jobs.delete(job.id)
    const fractions = [...this.#jobs.values()]
    this.#machine.showProgress(fractions.length === 0 ? NO_PROGRESS : Math.min(...fractions))
  }
}
