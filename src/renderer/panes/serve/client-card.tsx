import { Lock, LockOpen, Unplug } from 'lucide-react'
import type { ExportClient, Traffic } from '../../../bridge/model'
import { formatExact, formatSize, groupDigits } from '../../../engine/base/size-text'
import { IconButton } from '../../widgets/button'
import { countOf } from '../../widgets/count-words'
import { timeText } from '../time-text'

interface ClientCardProps {
  readonly client: ExportClient
  readonly onDisconnect: () => void
}

/** One client: who it is, and what it has done so far. */
export function ClientCard({ client, onDisconnect }: ClientCardProps) {
  const { name, peer, secure, since } = client
  const where = peer.startsWith('unix:') ? 'on this machine' : peer
  const Guard = secure ? Lock : LockOpen
  return (
    <section className="client-card" aria-label={name}>
      <header>
        <b>{name}</b>
        <span className="mono client-peer" title={peer}>
          {where}
        </span>
        <span className={secure ? 'client-tls secure' : 'client-tls'}>
          <Guard size={12} aria-hidden />
          {secure ? 'TLS' : 'plain'}
        </span>
        <IconButton icon={Unplug} label={`Disconnect ${name}`} small onClick={onDisconnect} />
      </header>
      <table>
        <caption className="visually-hidden">What {name} has done</caption>
        <thead>
          <tr>
            <th scope="col">Read</th>
            <th scope="col">Written</th>
            <th scope="col">Zeroed</th>
            <th scope="col">Trimmed</th>
          </tr>
        </thead>
        <tbody>
          <tr>
            <Cell of={client.read} />
            <Cell of={client.written} />
            <Cell of={client.zeroed} />
            <Cell of={client.trimmed} />
          </tr>
        </tbody>
      </table>
      <p className="client-more">
        <span>since {timeText(since)}</span>
        <span>{client.flushes === 1 ? '1 flush' : `${groupDigits(client.flushes)} flushes`}</span>
        <span className={client.failures > 0 ? 'failing' : undefined}>
          {client.failures === 0 ? 'no failures' : countOf(client.failures, 'failure')}
        </span>
        <span>{groupDigits(client.inProgress)} in flight</span>
      </p>
    </section>
  )
}

function Cell({ of }: { readonly of: Traffic }) {
  return (
    <td className="mono" title={`${formatExact(of.bytes)} in ${countOf(of.requests, 'request')}`}>
      {formatSize(of.bytes)}
      <small>{groupDigits(of.requests)} req.</small>
    </td>
  )
}
