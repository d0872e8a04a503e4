// Long work with progress, cancel and exactly one end. Progress goes out at most ten times a second;
// the end always goes out. The last few finished jobs stay listed, so that a page that reloads sees how
// they ended.

import type { JobId, JobInfo, SessionId } from '../bridge/model'
import type { Clock } from '../engine/base/clock'
import { hasCode, PlatterError, toPlainError } from '../engine/base/errors'
import type { EventHub } from './event-hub'
import { Throttle } from './throttle'

const PROGRESS_MS = 100
const KEEP_FINISHED = 20
/** The rate is taken over this long a past. */
const RATE_WINDOW_MS = 2000

export interface JobProgress {
  readonly phase: string
  readonly done: number
  readonly total: number
}

export interface JobWork {
  readonly session: SessionId
  readonly kind: JobInfo['kind']
  readonly title: string
  readonly total: number
  /** The new file that it makes. */
  readonly file?: string
  /** Resolves to the sentence that says how it ended. */
  run(progress: (now: JobProgress) => void, signal: AbortSignal): Promise<string>
}

interface Job {
  info: JobInfo
  readonly abort: AbortController
  readonly ended: Promise<void>
}

export class Jobs {
  readonly #hub: EventHub
  readonly #clock: Clock
  readonly #jobs = new Map<JobId, Job>()
  #count = 0

  constructor(hub: EventHub, clock: Clock) {
    this.#hub = hub
    this.#clock = clock
  }

  list(): JobInfo[] {
    return [...this.#jobs.values()].map((job) => job.info)
  }

  start(work: JobWork): JobInfo {
    const id = `job-${++this.#count}`
    const abort = new AbortController()
    const info: JobInfo = {
      id,
      session: work.session,
      kind: work.kind,
      title: work.title,
      ...(work.file === undefined ? {} : { file: work.file }),
      phase: 'starting',
      done: 0,
      total: work.total,
      rate: 0,
      state: 'running',
    }
    const job: Job = { info, abort, ended: Promise.resolve() }
    this.#jobs.set(id, job)
    Object.assign(job, { ended: this.#drive(job, work) })
    this.#hub.emit('job.changed', info)
    return info
  }

  cancel(id: JobId): void {
    const job = this.#jobs.get(id)
    if (job === undefined) throw new PlatterError('NO_JOB', `there is no job '${id}'`)
    job.abort.abort(new PlatterError('ABORTED', `${job.info.title}: cancelled`))
  }

  /** Cancels what runs for the session and waits for its end. */
  async stopAll(session?: SessionId): Promise<void> {
    const running = [...this.#jobs.values()].filter(
      (job) => session === undefined || job.info.session === session,
    )
    for (const job of running) if (job.info.state === 'running') this.cancel(job.info.id)
    await Promise.all(running.map((job) => job.ended))
    if (session !== undefined) for (const job of running) this.#jobs.delete(job.info.id)
  }

  async #drive(job: Job, work: JobWork): Promise<void> {
    const throttle = new Throttle(this.#clock, PROGRESS_MS, () =>
      this.#hub.emit('job.changed', job.info),
    )
    const rate = new RateMeter(this.#clock)
    const progress = (now: JobProgress) => {
      const sameWork = now.phase === job.info.phase
      job.info = { ...job.info, ...now, rate: rate.note(now.done, sameWork) }
      throttle.request()
    }
    // The promise of start() has to exist before the work can end.
    await Promise.resolve()
    try {
      const summary = await work.run(progress, job.abort.signal)
      job.info = { ...job.info, state: 'done', summary, rate: 0 }
    } catch (error) {
      const state = hasCode(error, 'ABORTED') ? 'cancelled' : 'failed'
      const plain = toPlainError(error)
      job.info = { ...job.info, state, error: plain, summary: plain.message, rate: 0 }
    }
    throttle.stop()
    this.#hub.emit('job.changed', job.info)
    this.#forgetOld()
  }

  #forgetOld(): void {
    const finished = [...this.#jobs.values()].filter((job) => job.info.state !== 'running')
    for (const job of finished.slice(0, Math.max(0, finished.length - KEEP_FINISHED))) {
      this.#jobs.delete(job.info.id)
    }
  }
}

class RateMeter {
  readonly #clock: Clock
  #samples: { at: number; done: number }[] = []

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Bytes a second over the window that ends now; 0 at the start of a phase. */
  note(done: number, sameWork: boolean): number {
    const at = this.#clock.now()
    if (!sameWork) this.#samples = []
    this.#samples.push({ at, done })
    this.#samples = this.#samples.filter((sample) => sample.at >= at - RATE_WINDOW_MS)
    const first = this.#samples[0] as { at: number; done: number }
    return at > first.at ? ((done - first.done) / (at - first.at)) * 1000 : 0
  }
}
