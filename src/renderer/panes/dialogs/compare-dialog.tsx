// Compare with…: which image, how far it is, and the ranges that differ, each of which can be gone to.

import { useRef, useState } from 'react'
import type { JobId, JobInfo, SessionInfo } from '../../../bridge/model'
import { formatHex, formatSize, groupDigits } from '../../../engine/base/size-text'
import { goTo } from '../../actions/navigate'
import { useAnswer } from '../../state/use-answer'
import { useApp, useAppState } from '../../state/use-app'
import { Button } from '../../widgets/button'
import { countOf } from '../../widgets/count-words'
import { type Column, DataGrid } from '../../widgets/data-grid'
import { DialogFrame } from '../../widgets/dialog-frame'
import { JobView } from '../../widgets/job-view'
import { Problem } from '../../widgets/problem'
import { TextField } from '../../widgets/text-field'
import { useAttempt } from '../../widgets/use-attempt'
import { useRowWindow } from '../../widgets/use-row-window'
import './range-list.css'

interface CompareDialogProps {
  readonly session: SessionInfo
  readonly onClose: () => void
}

export function CompareDialog({ session, onClose }: CompareDialogProps) {
  const app = useApp()
  const attempt = useAttempt()
  const input = useRef<HTMLInputElement>(null)
  const [locator, setLocator] = useState('')
  const [started, setStarted] = useState<JobId>()
  const job = useAppState((state) => state.jobs.find((each) => each.id === started))
  const native = useAppState((state) => state.host?.nativeDialogs === true)
  if (job !== undefined) return <Comparison job={job} onClose={onClose} />
  const other = locator.trim()
  const compare = () =>
    attempt.start(async () => {
      try {
        const params = { session: session.id, locator: other }
        setStarted((await app.request('compare.start', params)).value.job)
      } catch (error) {
        input.current?.focus()
        throw error
      }
    })
  const choose = () =>
    attempt.start(async () => {
      const { value } = await app.request('dialog.openImage', {})
      if (value.locator !== undefined) setLocator(value.locator)
    })
  return (
    <DialogFrame
      title={`Compare ${session.image.name} with`}
      onClose={onClose}
      onSubmit={() => other !== '' && compare()}
      initialFocus={input}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button look="primary" type="submit" disabled={other === '' || attempt.pending}>
            Compare
          </Button>
        </>
      }
    >
      <p>
        All bytes as this window shows them, staged ones included, are compared with another image.
        What both sides know to be zero is not read, and nothing is written.
      </p>
      <div className="path-row">
        <TextField
          label="Path or NBD URI"
          mono
          value={locator}
          onChange={(next) => {
            attempt.clear()
            setLocator(next)
          }}
          problem={attempt.problem}
          inputRef={input}
        />
        {native && (
          <Button onClick={choose} disabled={attempt.pending}>
            Choose…
          </Button>
        )}
      </div>
    </DialogFrame>
  )
}

const TITLES = {
  running: 'Comparing',
  done: 'Compared',
  failed: 'Not compared',
  cancelled: 'Comparison cancelled',
}

function Comparison({ job, onClose }: { readonly job: JobInfo; readonly onClose: () => void }) {
  const app = useApp()
  const attempt = useAttempt()
  const running = job.state === 'running'
  const cancel = () =>
    attempt.start(async () => {
      await app.request('job.cancel', { job: job.id })
    })
  return (
    <DialogFrame
      title={TITLES[job.state]}
      onClose={onClose}
      footer={
        running ? (
          <Button onClick={cancel} disabled={attempt.pending}>
            Cancel
          </Button>
        ) : (
          <Button look="primary" onClick={onClose}>
            Close
          </Button>
        )
      }
    >
      <JobView job={job} />
      {job.state === 'failed' && <Problem>{job.error?.message ?? job.title}</Problem>}
      {job.state === 'cancelled' && <Problem tone="warning">Only a part was compared.</Problem>}
      {!running && <Differences job={job} onClose={onClose} />}
    </DialogFrame>
  )
}

const COLUMNS: readonly Column[] = [
  { key: 'offset', title: 'Offset', width: '1fr' },
  { key: 'end', title: 'Ends before', width: '1fr' },
  { key: 'length', title: 'Length', width: '110px', align: 'end' },
]

function Differences({ job, onClose }: { readonly job: JobInfo; readonly onClose: () => void }) {
  const app = useApp()
  const [held, onWindow] = useRowWindow()
  const [row, setRow] = useState(0)
  const { got } = useAnswer('compare.rows', { job: job.id, ...held })
  if (got === undefined) return null
  const { rows, kept, total } = got.value
  const summary = job.state === 'done' && (
    <Problem tone={total === 0 ? 'good' : 'warning'}>{job.summary ?? job.title}.</Problem>
  )
  if (total === 0) return summary
  const rowAt = (index: number) => rows[index - got.asked.first]
  const use = (index: number) => {
    const range = rowAt(index)
    if (range === undefined) return
    goTo(app, range.offset, range.length)
    onClose()
  }
  return (
    <>
      {summary}
      <div className="range-list">
        <DataGrid
          label="Differing ranges"
          columns={COLUMNS}
          rowCount={kept}
          chosen={row}
          onChoose={setRow}
          onUse={use}
          onWindow={onWindow}
          cells={(index) => {
            const range = rowAt(index)
            if (range === undefined) return undefined
            return {
              offset: <span className="mono">{formatHex(range.offset)}</span>,
              end: <span className="mono">{formatHex(range.offset + range.length)}</span>,
              length: (
                <span className="mono" title={groupDigits(range.length)}>
                  {formatSize(range.length, 2)}
                </span>
              ),
            }
          }}
        />
      </div>
      <p className="dim">
        Enter goes to a range.
        {total > kept &&
          ` The first ${groupDigits(kept)} of ${countOf(total, 'range')} are listed.`}
      </p>
    </>
  )
}
