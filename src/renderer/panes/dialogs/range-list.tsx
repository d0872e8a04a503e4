// The staged runs with a mark each: which of them a commit carries. Space marks the row under the cursor.

import { Check, Minus } from 'lucide-react'
import { useState } from 'react'
import type { SessionInfo, StagedRun } from '../../../bridge/model'
import { formatHex, formatSize, groupDigits } from '../../../engine/base/size-text'
import {
  type Chosen,
  chosenIn,
  EVERYTHING,
  NOTHING,
  type RangeChoice,
  toggled,
} from '../../state/range-choice'
import { useAnswer } from '../../state/use-answer'
import { Button } from '../../widgets/button'
import { countOf } from '../../widgets/count-words'
import { type Column, DataGrid, type RowCells } from '../../widgets/data-grid'
import { Swatch } from '../../widgets/swatch'
import { useRowWindow } from '../../widgets/use-row-window'
import './range-list.css'

const COLUMNS: readonly Column[] = [
  { key: 'chosen', title: 'Carried', quiet: true, width: '18px' },
  { key: 'offset', title: 'Offset', width: 'minmax(90px, 1fr)' },
  { key: 'length', title: 'Length', width: '80px', align: 'end' },
  { key: 'state', title: 'State', width: '90px' },
  { key: 'origin', title: 'By', width: 'minmax(70px, 1fr)' },
]

interface RangeListProps {
  readonly session: SessionInfo
  readonly choice: RangeChoice
  readonly onChoice: (choice: RangeChoice) => void
  /** How many ranges the choice comes to, when that is known. */
  readonly count: number | undefined
}

export function RangeList({ session, choice, onChoice, count }: RangeListProps) {
  const [held, onWindow] = useRowWindow()
  const [row, setRow] = useState(0)
  const answer = useAnswer('stage.list', { session: session.id, ...held }, session.epoch)
  const list = answer.got?.value
  const first = answer.got?.asked.first ?? 0
  const rowAt = (index: number) => list?.rows[index - first]
  const toggle = (run: StagedRun | undefined) => {
    if (run !== undefined) onChoice(toggled(choice, run))
  }
  const total = list?.total ?? session.stagedRuns
  return (
    <div className="range-list">
      <div className="range-list-head">
        <span className="grow" aria-live="polite">
          {count === undefined ? '' : `${groupDigits(count)} of ${countOf(total, 'range')} chosen`}
        </span>
        <Button look="quiet" small onClick={() => onChoice(EVERYTHING)}>
          Choose all
        </Button>
        <Button look="quiet" small onClick={() => onChoice(NOTHING)}>
          Choose none
        </Button>
      </div>
      <DataGrid
        label="Staged ranges"
        columns={COLUMNS}
        rowCount={total}
        cells={(index) => runCells(rowAt(index), choice, toggle)}
        chosen={Math.min(row, total - 1)}
        onChoose={setRow}
        onUse={(index) => toggle(rowAt(index))}
        onKey={(key, index) => {
          if (key !== ' ') return false
          toggle(rowAt(index))
          return true
        }}
        onWindow={onWindow}
      />
    </div>
  )
}

function runCells(
  run: StagedRun | undefined,
  choice: RangeChoice,
  toggle: (run: StagedRun) => void,
): RowCells | undefined {
  if (run === undefined) return undefined
  const offset = formatHex(run.offset)
  return {
    chosen: <Mark chosen={chosenIn(choice, run)} name={offset} onToggle={() => toggle(run)} />,
    offset: <span className="mono">{offset}</span>,
    length: (
      <span className="mono" title={groupDigits(run.length)}>
        {formatSize(run.length, 2)}
      </span>
    ),
    state: (
      <span className="cell-mark">
        <Swatch of={run.state} />
        {run.state}
      </span>
    ),
    origin: <span title={run.origin}>{run.origin}</span>,
  }
}

interface MarkProps {
  readonly chosen: Chosen
  readonly name: string
  readonly onToggle: () => void
}

const CHECKED = { all: true, some: 'mixed', none: false } as const

/** The grid has the keyboard; this is for the pointer, and for what is read out. */
function Mark({ chosen, name, onToggle }: MarkProps) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: an input would be a tab stop in every row.
    <span
      role="checkbox"
      aria-checked={CHECKED[chosen]}
      aria-label={name}
      tabIndex={-1}
      className="check-box small"
      data-checked={chosen === 'none' ? undefined : ''}
      onMouseDown={(event) => event.preventDefault()}
      onDoubleClick={(event) => event.stopPropagation()}
      onClick={onToggle}
      onKeyDown={undefined}
    >
      {chosen === 'all' && <Check size={11} strokeWidth={3} aria-hidden />}
      {chosen === 'some' && <Minus size={11} strokeWidth={3} aria-hidden />}
    </span>
  )
}
