import type { JobInfo } from '../../bridge/model'
import { formatPercent, formatSize } from '../../engine/base/size-text'
import { ProgressBar } from './progress-bar'
import { timeLeftText } from './time-left'
import './job-view.css'

/** How far a job is: bytes, percent, rate and time left; the room stays the same when it ends. */
export function JobView({ job }: { readonly job: JobInfo }) {
  const running = job.state === 'running'
  const done = job.state === 'done' ? job.total : job.done
  return (
    <div className="job-view">
      <p>
        <span className="job-title">{job.title}</span>
        <span className="dim">{running ? job.phase : ''}</span>
      </p>
      <ProgressBar label={job.title} done={done} total={job.total} />
      <p className="dim mono">
        <span>
          {formatSize(done, 2)} of {formatSize(job.total, 2)}, {formatPercent(done, job.total)}
        </span>
        <span>{running && job.rate > 0 ? rateText(job) : ''}</span>
      </p>
    </div>
  )
}

const rateText = (job: JobInfo) =>
  [`${formatSize(job.rate)}/s`, timeLeftText(job)].filter((part) => part !== '').join(', ')
