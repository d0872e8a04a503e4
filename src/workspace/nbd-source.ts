// Images behind an NBD URI: the connection that the URI asks for, TLS included, and the disk over it.

import { PlatterError } from '../engine/base/errors'
import { dialTransport } from '../engine/io/dial-transport'
import { tlsClient } from '../engine/io/tls-client'
import { type OpenNbdOptions, openNbdDisk } from '../engine/nbd/nbd-disk'
import { DEFAULT_RECONNECT } from '../engine/nbd/reconnect'
import { type NbdTarget, parseNbdUri } from '../engine/nbd/uri'
import type { OpenedImage, OpenOptions, Patience } from './opened-image'

/** How long a server has to answer the connection, and then each request. */
export const PATIENCE: Patience = { connectMs: 10_000, requestMs: 30_000 }

/** How to reach the server that a URI names. Rejects when its keys and certificates cannot be read. */
export async function connectionTo(
  target: NbdTarget,
  { connectMs }: Patience = PATIENCE,
): Promise<Pick<OpenNbdOptions, 'dial' | 'tls'>> {
  const { address, tls } = target
  return {
    dial: (signal) => dialTransport(address, { timeoutMs: connectMs, signal }),
    ...(tls === undefined ? {} : { tls: { wish: tls.wish, secure: await tlsClient(tls) } }),
  }
}

export async function openNbd(locator: string, options: OpenOptions): Promise<OpenedImage> {
  if (options.format !== undefined && options.format !== 'raw') {
    throw new PlatterError(
      'FORMAT_UNSUPPORTED',
      `${locator}: format '${options.format}' cannot be read over NBD yet: only raw`,
    )
  }
  const target = parseNbdUri(locator)
  const { patience = PATIENCE } = options
  let tell: (error: PlatterError | undefined) => void = () => undefined
  const disk = await openNbdDisk({
    ...(await connectionTo(target, patience)),
    exportName: target.exportName,
    contexts: options.contexts,
    listContexts: options.listContexts,
    connections: options.connections,
    reconnect: options.reconnect === true ? DEFAULT_RECONNECT : undefined,
    onTrouble: (error) => tell(error),
    clock: options.clock,
    connectTimeoutMs: patience.connectMs,
    requestTimeoutMs: patience.requestMs,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  })
  disk.onClosed = (error) => {
    if (error !== undefined) tell(error)
  }
  const readOnly = disk.capabilities.write ? {} : { readOnlyReason: 'the export is read-only' }
  const notes = [
    ...(disk.capabilities.extents ? [] : ['the server does not tell holes from data']),
    ...(target.tls === undefined || disk.info.tls
      ? []
      : ['the server has no TLS: the connection is in the clear']),
  ]
  return {
    info: {
      locator: target.uri,
      name: target.exportName === '' ? target.uri : target.exportName,
      kind: 'nbd',
      format: 'raw',
      size: disk.size,
      blockSize: disk.blockSize,
      hasExtents: disk.capabilities.extents,
      ...(notes.length === 0 ? {} : { notes }),
      ...readOnly,
    },
    disk,
    openTarget: async () => ({ disk, release: async () => undefined }),
    changedSince: async () => undefined,
    accept: async () => undefined,
    onTrouble: (listener) => {
      tell = listener
    },
    close: () => disk.close(),
  }
}
