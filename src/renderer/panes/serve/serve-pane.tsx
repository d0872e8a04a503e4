import { Network } from 'lucide-react'
import type { ExportInfo, SessionInfo } from '../../../bridge/model'
import { useApp, useAppState } from '../../state/use-app'
import type { ServePart } from '../../state/views-slice'
import { Segments } from '../../widgets/segments'
import { ActionButton } from '../action-button'
import { ExportSection } from './export-section'
import { RequestsView } from './requests-view'
import './serve-pane.css'

const PARTS: readonly { readonly value: ServePart; readonly text: string }[] = [
  { value: 'exports', text: 'Exports' },
  { value: 'requests', text: 'Requests' },
]

/** The session's exports with their clients, or what those have asked for. */
export function ServePane({ session }: { readonly session: SessionInfo }) {
  const app = useApp()
  const exports = useAppState((state) => state.exports)
  const part = useAppState((state) => state.servePart)
  const own = exports.filter((each) => each.session === session.id)
  return (
    <>
      <div className="side-bar serve-bar">
        <Segments
          label="Shown"
          value={part}
          options={PARTS}
          onChange={(next) => app.store.getState().showServe(next)}
        />
        <span className="grow" />
        <ActionButton id="session.serve" small />
      </div>
      {own.length === 0 && <NothingServed />}
      {own.length > 0 && part === 'exports' && <ExportList exports={own} />}
      {own.length > 0 && part === 'requests' && <RequestsView session={session} exports={own} />}
    </>
  )
}

function NothingServed() {
  return (
    <div className="empty">
      <Network size={28} strokeWidth={1.5} aria-hidden />
      <p>
        Nothing is served. Serve the image over NBD, and what a virtual machine or a backup tool
        does with it shows here and on the map.
      </p>
    </div>
  )
}

function ExportList({ exports }: { readonly exports: readonly ExportInfo[] }) {
  return (
    <div className="side-scroll">
      {exports.map((each) => (
        <ExportSection key={each.id} info={each} />
      ))}
    </div>
  )
}
