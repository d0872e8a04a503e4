// What the clients of an export have asked for, newest first. Choosing a row goes to its place on the
// map and in the bytes, and holds the list still: a row is not to move away under the pointer.

import { Eraser, Pause, Play } from 'lucide-react'
import { useState } from 'react'
import type { ExportInfo, SessionInfo } from '../../../bridge/model'
import type { RequestRow } from '../../../bridge/request-rows'
import { goTo } from '../../actions/navigate'
import { messageOf } from '../../state/app'
import { useApp, useAppState } from '../../state/use-app'
import { Button, IconButton } from '../../widgets/button'
import { countOf } from '../../widgets/count-words'
import { DataGrid } from '../../widgets/data-grid'
import { Pick } from '../../widgets/pick'
import { Problem } from '../../widgets/problem'
import { RequestDetail } from './request-detail'
import { ALL_REQUESTS, filterRequests, isFiltering, placeOf } from './request-filter'
import { RequestFilters } from './request-filters'
import { REQUEST_COLUMNS, requestCells } from './request-row'
import { useRequests } from './use-requests'
import './requests-view.css'

interface RequestsViewProps {
  readonly session: SessionInfo
  readonly exports: readonly ExportInfo[]
}

export function RequestsView({ session, exports }: RequestsViewProps) {
  const app = useApp()
  const id = useAppState((state) => state.requestsOf)
  const info = exports.find((each) => each.id === id) ?? exports.at(-1)
  if (info === undefined) return null
  const nameOf = (of: string) => {
    const found = exports.find((each) => each.id === of)
    return found?.name === '' ? found.uri : `${found?.name ?? of}`
  }
  return (
    <>
      {exports.length > 1 && (
        <div className="side-bar">
          <Pick
            label="Export"
            value={info.id}
            options={exports.map((each) => each.id)}
            textOf={nameOf}
            onChange={(next) => app.store.getState().showServe('requests', next)}
          />
        </div>
      )}
      <RequestsOf key={info.id} session={session} info={info} />
    </>
  )
}

function RequestsOf({
  session,
  info,
}: {
  readonly session: SessionInfo
  readonly info: ExportInfo
}) {
  const app = useApp()
  const { rows, problem, isPaused, newer, pause, resume } = useRequests(info.id)
  const [filter, setFilter] = useState(ALL_REQUESTS)
  const [chosenSeq, setChosenSeq] = useState<number>()
  const [failure, setFailure] = useState<string>()
  const shown = filterRequests(rows, filter)
  const rowAt = (index: number): RequestRow | undefined => shown[shown.length - 1 - index]
  const at = shown.findLastIndex((row) => row.seq === chosenSeq)
  const chosen = at < 0 ? undefined : shown.length - 1 - at

  const choose = (index: number) => {
    const row = rowAt(index)
    if (row === undefined) return
    pause()
    setChosenSeq(row.seq)
    const place = placeOf(row, session.image.size)
    if (place === undefined) return
    goTo(app, place.offset, ...(place.length > 0 ? [place.length] : []))
  }
  const clear = () => {
    setFailure(undefined)
    setChosenSeq(undefined)
    resume()
    app
      .request('export.clearLog', { export: info.id })
      .catch((error: unknown) => setFailure(messageOf(error)))
  }
  const go = () => {
    setChosenSeq(undefined)
    resume()
  }
  return (
    <>
      <div className="side-bar">
        <RequestFilters rows={rows} filter={filter} onChange={setFilter} />
      </div>
      <div className="side-bar requests-bar">
        <span className="grow" role="status">
          {isPaused ? pausedText(newer) : countOf(shown.length, 'request')}
          {!isPaused && isFiltering(filter) && ` of ${rows.length}`}
        </span>
        <Button look="quiet" small icon={isPaused ? Play : Pause} onClick={isPaused ? go : pause}>
          {isPaused ? 'Go on' : 'Pause'}
        </Button>
        <IconButton icon={Eraser} label="Clear the log" small onClick={clear} />
      </div>
      {(failure ?? problem) !== undefined && (
        <div className="sidebar-note">
          <Problem>{failure ?? problem}</Problem>
        </div>
      )}
      <DataGrid
        label="Requests"
        columns={REQUEST_COLUMNS}
        rowCount={shown.length}
        cells={(index) => requestCells(rowAt(index))}
        chosen={chosen}
        onChoose={choose}
        onUse={(index) => {
          choose(index)
          app.focus('bytes')
        }}
        onWindow={nothing}
      />
      {chosen !== undefined && <RequestDetail row={rowAt(chosen)} size={session.image.size} />}
    </>
  )
}

const nothing = () => undefined

const pausedText = (newer: number) =>
  newer === 0 ? 'Paused' : `Paused, ${countOf(newer, 'newer request')}`
