import { CircleDot, LoaderCircle, TriangleAlert, X } from 'lucide-react'
import type { JobInfo, SessionInfo } from '../../bridge/model'
import type { ByteRange } from '../../engine/base/ranges'
import { formatHex, formatPercent, formatSize, groupDigits } from '../../engine/base/size-text'
import { SECTOR_BYTES } from '../actions/goto-grammar'
import type { ConnectionState } from '../host/keep-connected'
import { useAnswer } from '../state/use-answer'
import { useActiveSession, useApp, useAppState, useView } from '../state/use-app'
import { IconButton } from '../widgets/button'
import { ProgressBar } from '../widgets/progress-bar'
import { classText, partitionAt, partitionText } from './place-of'
import './status-bar.css'

export function StatusBar() {
  const session = useActiveSession()
  return (
    <footer className="status-bar">
      {session && <Place key={session.id} session={session} />}
      <span className="status-space" />
      {session && <Keeping session={session} />}
      <Jobs />
      <Connection />
    </footer>
  )
}

function Place({ session }: { readonly session: SessionInfo }) {
  const { offset, selection } = useView(session.id, (view) => view.cursor)
  const hover = useView(session.id, (view) => view.hover)
  const params = { session: session.id, offset, length: 1 }
  const { got } = useAnswer(
    'map.detail',
    offset < session.image.size ? params : undefined,
    session.epoch,
  )
  const partition = partitionAt(session.partitions.partitions, offset)
  return (
    <>
      <span className="status-item" title="Offset of the cursor">
        <b className="mono">{formatHex(offset)}</b>{' '}
        <span className="mono">{groupDigits(offset)}</span>
      </span>
      <span className="status-item" title="Logical block of 512 bytes">
        LBA <span className="mono">{groupDigits(Math.floor(offset / SECTOR_BYTES))}</span>
      </span>
      <span className="status-item status-low" title={partition?.type}>
        {partitionText(partition)}
      </span>
      <span className="status-item status-class">
        {got === undefined ? '' : classText(got.value)}
      </span>
      {selection && (
        <span className="status-item" title="Selection">
          <RangeText name="selected" range={selection} />
        </span>
      )}
      {hover && (
        <span className="status-item status-low dim">
          <RangeText name="at" range={hover} />
        </span>
      )}
    </>
  )
}

function RangeText({ name, range }: { readonly name: string; readonly range: ByteRange }) {
  const { offset, length } = range
  return (
    <>
      {name} <span className="mono">{formatHex(offset)}</span> +{' '}
      <span className="mono">{formatHex(length)}</span>{' '}
      <span className="mono" title={`${groupDigits(offset)} + ${groupDigits(length)}`}>
        ({length < 1024 ? groupDigits(length) : formatSize(length)})
      </span>
    </>
  )
}

/** Whether what is staged outlives the window, and a crash. */
function Keeping({ session }: { readonly session: SessionInfo }) {
  const { lasting, recover } = session
  const cut = recover?.kind === 'committing'
  if (lasting === undefined) return null
  const state = lasting.problem ? 'not saved' : lasting.unsaved ? 'saving…' : 'saved'
  const title = lasting.problem?.message ?? lasting.path
  return (
    <>
      {cut && (
        <span className="status-item status-cut" role="status">
          <TriangleAlert size={12} aria-hidden />a commit was cut short
        </span>
      )}
      <span
        className={`status-item status-keeping ${lasting.problem ? 'problem' : ''}`}
        title={title}
      >
        <span className="status-low">lasting: {lasting.name},</span>
        <span className="status-saved">{state}</span>
      </span>
    </>
  )
}

function Jobs() {
  const jobs = useAppState((state) => state.jobs)
  const toldJob = useAppState((state) => state.toldJob)
  const running = jobs.filter((job) => job.state === 'running')
  const shown =
    running.find((job) => job.kind === 'commit') ??
    running[0] ??
    jobs.find((job) => job.id === toldJob)
  return shown === undefined ? null : <JobStatus job={shown} />
}

function JobStatus({ job }: { readonly job: JobInfo }) {
  const app = useApp()
  const cancel = () =>
    app
      .request('job.cancel', { job: job.id })
      .catch((error: unknown) => app.notices.problem('Not cancelled', error))
  if (job.state !== 'running') {
    return <span className="status-item">{job.summary ?? `${job.title}: ${job.state}`}</span>
  }
  return (
    <span className="status-item status-job" role="status">
      <span>
        {job.title}, {job.phase}
      </span>
      <span className="status-progress">
        <ProgressBar label={job.title} done={job.done} total={job.total} />
      </span>
      <span className="mono">{formatPercent(job.done, job.total)}</span>
      {job.rate > 0 && <span className="mono dim">{formatSize(job.rate)}/s</span>}
      <IconButton icon={X} label={`Cancel: ${job.title}`} small onClick={cancel} />
    </span>
  )
}

function Connection() {
  const connection = useAppState((state) => state.connection)
  const host = useAppState((state) => state.host)
  const name = host?.host === 'desktop' ? 'Platter' : location.host
  return (
    <span className={`status-item status-connection ${connection.kind}`} role="status">
      <ConnectionIcon connection={connection} />
      {connectionText(connection, name)}
    </span>
  )
}

function ConnectionIcon({ connection }: { readonly connection: ConnectionState }) {
  const size = 12
  if (connection.kind === 'connected') return <CircleDot size={size} aria-hidden />
  if (connection.kind === 'lost') return <TriangleAlert size={size} aria-hidden />
  return <LoaderCircle className="spin" size={size} aria-hidden />
}

function connectionText(connection: ConnectionState, name: string): string {
  switch (connection.kind) {
    case 'connected':
      return name
    case 'connecting':
      return 'connecting'
    case 'waiting':
      return `reconnecting, attempt ${connection.attempt}`
    case 'lost':
      return 'not connected'
  }
}
