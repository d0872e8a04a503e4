import { CircleStop, ListTree } from 'lucide-react'
import { useState } from 'react'
import type { ExportInfo } from '../../../bridge/model'
import { messageOf } from '../../state/app'
import { useApp } from '../../state/use-app'
import { Button } from '../../widgets/button'
import { CopyButton } from '../../widgets/copy-button'
import { Problem } from '../../widgets/problem'
import { Section } from '../../widgets/section'
import { ClientCard } from './client-card'
import { askToStop } from './stop-export'

/** One export: its address, how it is guarded, and who uses it. */
export function ExportSection({ info }: { readonly info: ExportInfo }) {
  const app = useApp()
  const [problem, setProblem] = useState<string>()
  const attempt = (task: () => Promise<void>) => {
    setProblem(undefined)
    task().catch((error: unknown) => setProblem(messageOf(error)))
  }
  const hints = hintsOf(info)
  return (
    <Section
      title={info.name === '' ? 'Default export' : `Export ${info.name}`}
      aside={<span>{info.readOnly ? 'read-only' : 'writes are staged'}</span>}
    >
      <div className="export-uri">
        <code className="mono selectable" title={info.uri}>
          {info.uri}
        </code>
        <CopyButton label="Copy the URI" onCopy={() => app.copyText(info.uri)} />
        <Button small icon={CircleStop} onClick={() => attempt(() => askToStop(app, info))}>
          Stop
        </Button>
      </div>
      <p className="export-note">
        {info.description} · {tlsText(info)}
      </p>
      {hints.map((hint) => (
        <p className="export-note" key={hint}>
          {hint}
        </p>
      ))}
      {problem !== undefined && (
        <div className="sidebar-note">
          <Problem>{problem}</Problem>
        </div>
      )}
      {info.clients.length === 0 && <p className="sidebar-empty">No client is connected.</p>}
      {info.clients.map((client) => (
        <ClientCard
          key={client.id}
          client={client}
          onDisconnect={() =>
            attempt(async () => {
              await app.request('export.disconnect', { export: info.id, client: client.id })
            })
          }
        />
      ))}
      <div className="export-log">
        <Button
          look="quiet"
          small
          icon={ListTree}
          onClick={() => app.store.getState().showServe('requests', info.id)}
        >
          What clients ask for
        </Button>
      </div>
    </Section>
  )
}

function tlsText({ tls }: ExportInfo): string {
  if (tls === undefined) return 'not encrypted'
  const who = tls.verifiesClients ? ', clients are verified' : ''
  return `TLS ${tls.mode}${who}`
}

/** What a client has to change in the URI before it is let in. */
function hintsOf({ uri, tls }: ExportInfo): string[] {
  const join = uri.includes('?') ? '&' : '?'
  return [
    ...(/^nbds?:\/\/(0\.0\.0\.0|\[::\])[:/]/.test(uri)
      ? ['It listens on every address of this machine: clients name one of them.']
      : []),
    ...(tls?.keys === 'psk'
      ? [`Clients add their name and @ before the host, and ${join}tls-psk-file=FILE.`]
      : []),
    ...(tls?.keys === 'x509' && tls.verifiesClients
      ? [`Clients add ${join}tls-certificates=FOLDER.`]
      : []),
  ]
}
