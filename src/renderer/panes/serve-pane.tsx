import { CircleStop } from 'lucide-react'
import { useState } from 'react'
import type { ExportInfo, SessionInfo } from '../../bridge/model'
import { formatSize, groupDigits } from '../../engine/base/size-text'
import { messageOf } from '../state/app'
import { useApp, useAppState } from '../state/use-app'
import { Button } from '../widgets/button'
import { CopyButton } from '../widgets/copy-button'
import { Problem } from '../widgets/problem'
import { Section } from '../widgets/section'
import { ServeForm } from './serve-form'
import { timeText } from './time-text'
import './serve-pane.css'

/** Exports of this session with their clients, and the form that starts one. */
export function ServePane({ session }: { readonly session: SessionInfo }) {
  const exports = useAppState((state) => state.exports)
  const own = exports.filter((each) => each.session === session.id)
  return (
    <div className="side-scroll">
      {own.map((each) => (
        <ExportSection key={each.id} info={each} />
      ))}
      <Section title={own.length === 0 ? 'Serve this image over NBD' : 'Serve it once more'}>
        <div className="serve-new">
          <ServeForm session={session} />
        </div>
      </Section>
    </div>
  )
}

function ExportSection({ info }: { readonly info: ExportInfo }) {
  const app = useApp()
  const [problem, setProblem] = useState<string>()
  const stop = () =>
    app.request('export.stop', { export: info.id }).then(
      () => app.store.getState().dropExport(info.id),
      (error: unknown) => setProblem(messageOf(error)),
    )
  const access = info.readOnly ? 'read-only' : 'writes are staged'
  return (
    <Section
      title={info.name === '' ? 'Default export' : `Export ${info.name}`}
      aside={<span>{access}</span>}
    >
      <div className="export-uri">
        <code className="mono selectable">{info.uri}</code>
        <CopyButton label="Copy the URI" onCopy={() => app.copyText(info.uri)} />
        <Button small icon={CircleStop} onClick={stop}>
          Stop
        </Button>
      </div>
      {problem !== undefined && (
        <div className="sidebar-note">
          <Problem>{problem}</Problem>
        </div>
      )}
      <ClientTable info={info} />
    </Section>
  )
}

function ClientTable({ info }: { readonly info: ExportInfo }) {
  if (info.clients.length === 0) return <p className="sidebar-empty">No client is connected.</p>
  return (
    <table className="client-table">
      <caption className="visually-hidden">Clients</caption>
      <thead>
        <tr>
          <th scope="col">Client</th>
          <th scope="col">Since</th>
          <th scope="col">Read</th>
          <th scope="col">Written</th>
        </tr>
      </thead>
      <tbody>
        {info.clients.map((client) => (
          <tr key={client.id}>
            <th scope="row" title={client.name}>
              {client.name}
            </th>
            <td className="mono">{timeText(client.since)}</td>
            <td className="mono" title={`${groupDigits(client.reads)} requests`}>
              {formatSize(client.bytesRead)}
            </td>
            <td className="mono" title={`${groupDigits(client.writes)} requests`}>
              {formatSize(client.bytesWritten)}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
