import type { SessionInfo } from '../../bridge/model'
import type { ByteRange } from '../../engine/base/ranges'
import { alignDown } from '../../engine/base/ranges'
import { mapViewOf } from '../actions/map-zoom'
import { useView } from '../state/use-app'
import { RangeDetail } from './range-detail'
import { ValueTable } from './value-table'
import './inspector-pane.css'

/** What the cell under the cursor (or the selection) is made of, and what its bytes can mean. */
export function InspectorPane({ session }: { readonly session: SessionInfo }) {
  const cursor = useView(session.id, (view) => view.cursor)
  const cellBytes = useView(session.id, (view) => mapViewOf(session, view).cellBytes)
  const selection = cursor.selection
  const range = selection ?? cellAt(cursor.offset, cellBytes, session.image.size)
  return (
    <div className="side-scroll">
      <RangeDetail
        session={session}
        range={range}
        title={selection === undefined ? 'Cell' : 'Selection'}
      />
      <ValueTable session={session} offset={cursor.offset} />
    </div>
  )
}

function cellAt(offset: number, cellBytes: number, size: number): ByteRange {
  const start = alignDown(offset, cellBytes)
  return { offset: start, length: Math.min(cellBytes, size - start) }
}
