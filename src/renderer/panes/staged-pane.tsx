// What is staged, run by run. The chosen row shows what it changes; Delete discards it.

import { ArrowDownFromLine, ArrowUpFromLine, Layers, Trash2 } from 'lucide-react'
import { useState } from 'react'
import type { SessionInfo, StagedRun } from '../../bridge/model'
import { formatHex, formatSize } from '../../engine/base/size-text'
import { discardRanges } from '../actions/discard'
import { goTo } from '../actions/navigate'
import { messageOf } from '../state/app'
import { useAnswer } from '../state/use-answer'
import { useApp } from '../state/use-app'
import { IconButton } from '../widgets/button'
import { countOf } from '../widgets/count-words'
import { type Column, DataGrid, type RowCells } from '../widgets/data-grid'
import { Problem } from '../widgets/problem'
import { Swatch } from '../widgets/swatch'
import { useRowWindow } from '../widgets/use-row-window'
import { ActionIcon } from './action-button'
import { StagedPreview } from './staged-preview'
import { timeText } from './time-text'
import './staged-pane.css'

const COLUMNS: readonly Column[] = [
  { key: 'state', title: 'State', quiet: true, width: '12px' },
  { key: 'offset', title: 'Offset', width: 'minmax(80px, 1fr)' },
  { key: 'length', title: 'Length', width: '60px', align: 'end' },
  { key: 'origin', title: 'By', width: 'minmax(56px, 1fr)' },
  { key: 'time', title: 'At', width: '58px', align: 'end', fromPx: 350 },
  { key: 'discard', title: 'Discard', quiet: true, width: '24px' },
]

export function StagedPane({ session }: { readonly session: SessionInfo }) {
  if (session.stagedRuns === 0) return <NothingStaged />
  return <StagedList session={session} />
}

function NothingStaged() {
  return (
    <div className="empty">
      <Layers size={28} strokeWidth={1.5} aria-hidden />
      <p>Nothing is staged. Type in the bytes, or serve the image and let a client write.</p>
    </div>
  )
}

function StagedList({ session }: { readonly session: SessionInfo }) {
  const app = useApp()
  const [held, onWindow] = useRowWindow()
  const [chosenOffset, setChosenOffset] = useState<number>()
  const [problem, setProblem] = useState<string>()
  const answer = useAnswer('stage.list', { session: session.id, ...held }, session.epoch)
  const list = answer.got?.value
  const firstHeld = answer.got?.asked.first ?? 0
  const rowAt = (index: number) => list?.rows[index - firstHeld]
  const chosenIndex = list?.rows.findIndex((row) => row.offset === chosenOffset) ?? -1
  const chosen = chosenIndex < 0 ? undefined : chosenIndex + firstHeld
  const chosenRow = chosen === undefined ? undefined : rowAt(chosen)

  const discard = (row: StagedRun | undefined) => {
    if (row === undefined) return
    setProblem(undefined)
    const { offset, length } = row
    discardRanges(app, session.id, [{ offset, length }]).catch((error: unknown) =>
      setProblem(messageOf(error)),
    )
  }
  const use = (index: number) => {
    const row = rowAt(index)
    if (row !== undefined) goTo(app, row.offset, row.length)
  }
  return (
    <>
      <div className="side-bar">
        <span className="grow">
          {countOf(list?.total ?? session.stagedRuns, 'run')},{' '}
          <span className="mono">{formatSize(list?.bytes ?? 0, 2)}</span>
        </span>
        <ActionIcon id="go.previous-staged" icon={ArrowUpFromLine} small />
        <ActionIcon id="go.next-staged" icon={ArrowDownFromLine} small />
      </div>
      {(problem ?? answer.error) !== undefined && (
        <div className="sidebar-note">
          <Problem>{problem ?? messageOf(answer.error)}</Problem>
        </div>
      )}
      <DataGrid
        label="Staged changes"
        columns={COLUMNS}
        rowCount={list?.total ?? 0}
        cells={(index) => stagedCells(rowAt(index), discard)}
        chosen={chosen}
        onChoose={(index) => setChosenOffset(rowAt(index)?.offset)}
        onUse={use}
        onKey={(key, index) => {
          if (key !== 'Delete') return false
          discard(rowAt(index))
          return true
        }}
        onWindow={onWindow}
      />
      {chosenRow && <StagedPreview session={session} run={chosenRow} />}
    </>
  )
}

function stagedCells(
  row: StagedRun | undefined,
  discard: (row: StagedRun) => void,
): RowCells | undefined {
  if (row === undefined) return undefined
  return {
    state: (
      <span className="cell-mark" title={row.state}>
        <Swatch of={row.state} />
        <span className="visually-hidden">{row.state}</span>
      </span>
    ),
    offset: <span className="mono">{formatHex(row.offset)}</span>,
    length: <span className="mono">{formatSize(row.length)}</span>,
    origin: <span title={row.origin}>{row.origin}</span>,
    time: <span className="mono staged-time">{timeText(row.time)}</span>,
    discard: (
      <span className="staged-discard">
        <IconButton
          icon={Trash2}
          label={`Discard ${formatHex(row.offset)}`}
          small
          tabIndex={-1}
          onClick={() => discard(row)}
        />
      </span>
    ),
  }
}
