// What a page is told of an export and its clients.

import type { ExportOptions } from '../bridge/contract'
import type { ExportClient, ExportInfo, ExportTls } from '../bridge/model'
import type { ServerClient } from '../engine/nbd/server-client'

export const clientName = (id: number): string => `client ${id}`

export function describeTls(tls: ExportOptions['tls']): ExportTls | undefined {
  if (tls === undefined) return undefined
  const keys = tls.pskFile === undefined ? 'x509' : 'psk'
  return { mode: tls.mode, keys, verifiesClients: keys === 'psk' || tls.verifyPeer === true }
}

/** `since` is when each client came, by its id. */
export function describeExport(
  fixed: Omit<ExportInfo, 'clients'>,
  clients: readonly ServerClient[],
  since: ReadonlyMap<number, number>,
): ExportInfo {
  return {
    ...fixed,
    clients: clients.map((client) => describeClient(client, since.get(client.id) ?? 0)),
  }
}

function describeClient(client: ServerClient, since: number): ExportClient {
  return {
    id: client.id,
    name: clientName(client.id),
    peer: client.name,
    secure: client.isSecure,
    since,
    read: { requests: client.reads, bytes: client.readBytes },
    written: { requests: client.writes, bytes: client.writtenBytes },
    zeroed: { requests: client.zeroes, bytes: client.zeroedBytes },
    trimmed: { requests: client.trims, bytes: client.trimmedBytes },
    flushes: client.flushes,
    failures: client.failures,
    inProgress: client.inProgress,
  }
}
