// Every extent of the disk as the session reads now, by number: the map in words.

import { Crosshair } from 'lucide-react'
import { useState } from 'react'
import type { ExtentRow, SessionInfo } from '../../bridge/model'
import { formatHex, formatSize, groupDigits } from '../../engine/base/size-text'
import { goTo } from '../actions/navigate'
import { messageOf } from '../state/app'
import { useAnswer } from '../state/use-answer'
import { useApp, useView } from '../state/use-app'
import { IconButton } from '../widgets/button'
import { type Column, DataGrid, type RowCells } from '../widgets/data-grid'
import { Problem } from '../widgets/problem'
import { Swatch } from '../widgets/swatch'
import { useRowWindow } from '../widgets/use-row-window'

const COLUMNS: readonly Column[] = [
  { key: 'index', title: '#', width: 'minmax(40px, 0.6fr)', align: 'end' },
  { key: 'offset', title: 'Offset', width: 'minmax(92px, 1fr)', align: 'end' },
  { key: 'length', title: 'Length', width: 'minmax(72px, 1fr)', align: 'end' },
  { key: 'type', title: 'Type', width: '64px' },
]

export function ExtentsPane({ session }: { readonly session: SessionInfo }) {
  const app = useApp()
  const cursor = useView(session.id, (view) => view.cursor)
  const [held, onWindow] = useRowWindow()
  const [chosen, setChosen] = useState<number>()
  const [problem, setProblem] = useState<string>()
  const answer = useAnswer('map.extents', { session: session.id, ...held }, session.epoch)
  const page = answer.got?.value
  const firstHeld = answer.got?.asked.first ?? 0
  const rowAt = (index: number) => page?.rows[index - firstHeld]

  const choose = (index: number) => {
    setChosen(index)
    const row = rowAt(index)
    if (row !== undefined) goTo(app, row.offset, row.length)
  }
  const findCursor = async () => {
    try {
      const params = { session: session.id, offset: cursor.offset }
      const { value: found } = await app.request('map.extentAt', params)
      setProblem(undefined)
      setChosen(found.index)
    } catch (error) {
      setProblem(messageOf(error))
    }
  }
  const failure = problem ?? (answer.error === undefined ? undefined : messageOf(answer.error))
  return (
    <>
      <div className="side-bar">
        <span className="grow">
          {groupDigits(page?.total ?? 0)} extents{session.surveyed < 1 && ' so far'}
        </span>
        <IconButton
          icon={Crosshair}
          label="Find the extent at the cursor"
          small
          onClick={findCursor}
        />
      </div>
      {failure !== undefined && (
        <div className="sidebar-note">
          <Problem>{failure}</Problem>
        </div>
      )}
      <DataGrid
        label="Extents"
        columns={COLUMNS}
        rowCount={page?.total ?? 0}
        cells={(index) => extentCells(index, rowAt(index))}
        chosen={chosen}
        onChoose={choose}
        onUse={() => app.focus('bytes')}
        onWindow={onWindow}
      />
    </>
  )
}

function extentCells(index: number, row: ExtentRow | undefined): RowCells | undefined {
  if (row === undefined) return undefined
  return {
    index: <span className="mono dim">{groupDigits(index)}</span>,
    offset: <span className="mono">{formatHex(row.offset)}</span>,
    length: (
      <span className="mono" title={groupDigits(row.length)}>
        {formatSize(row.length, 2)}
      </span>
    ),
    type: (
      <span className="cell-mark">
        <Swatch of={row.type} />
        {row.type}
      </span>
    ),
  }
}
