// The server's side of TLS, for connections that somebody else accepted and that began in the clear.
//
// x509: a directory with server-cert.pem, server-key.pem and, to hold clients against, ca-cert.pem; with
// `verifyPeer` a client has to show a certificate of that authority. PSK: a file of lines `user:key`, the
// key in hexadecimal; who does not have one of the keys does not get in. The files are read once, when
// the server starts. A failed handshake costs that client its connection and nobody else anything.

import { readFile, stat } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import type { TLSSocket, TlsOptions } from 'node:tls'
import { createSecureContext, createServer } from 'node:tls'
import { abortedError, PlatterError } from '../base/errors'
import type { ServerTls } from '../nbd/session-greeting'
import type { Transport } from '../nbd/transport'
import { fileError } from './file-errors'
import { SocketTransport } from './socket-transport'

export interface TlsServerOptions {
  readonly mode: 'optional' | 'required'
  /** The directory of an x509 server; either this or `pskFile`. */
  readonly certificates?: string | undefined
  readonly pskFile?: string | undefined
  /** Clients have to show a certificate of ca-cert.pem. */
  readonly verifyPeer?: boolean | undefined
}

/** Certificates and key files are small; what is larger is something else. */
const MAX_FILE_BYTES = 4 * 1024 * 1024

/** Shared keys in the clear handshake of TLS 1.2 only: the forms that GnuTLS and OpenSSL both know. */
const PSK_CIPHERS = 'ECDHE-PSK:DHE-PSK:PSK:!aNULL:!eNULL:@SECLEVEL=1'

/** Rejects with NOT_FOUND, NO_PERMISSION, LIMIT or BAD_REQUEST when the files will not do. */
export async function tlsServer(options: TlsServerOptions): Promise<ServerTls> {
  const { pskFile, certificates, mode } = options
  if ((pskFile === undefined) === (certificates === undefined)) {
    throw new PlatterError(
      'BAD_REQUEST',
      'TLS needs either a directory of certificates or a PSK file',
    )
  }
  const tls =
    pskFile === undefined
      ? await x509Options(certificates ?? '', options.verifyPeer === true)
      : await pskOptions(pskFile, options.verifyPeer === true)
  return { mode, secure: (transport, signal) => secure(transport, tls, signal) }
}

async function x509Options(dir: string, verifyPeer: boolean): Promise<TlsOptions> {
  // One after the other, so that of several files that are missing it is always the first that is named.
  const cert = await readSmall(join(dir, 'server-cert.pem'))
  const key = await readSmall(join(dir, 'server-key.pem'))
  const ca = verifyPeer ? await readSmall(join(dir, 'ca-cert.pem')) : undefined
  const options: TlsOptions = {
    cert,
    key,
    minVersion: 'TLSv1.2',
    requestCert: verifyPeer,
    // Who is refused should be told apart from who hung up: the verdict is looked at in secure().
    rejectUnauthorized: false,
    ...(ca === undefined ? {} : { ca }),
  }
  try {
    createSecureContext(options)
  } catch (error) {
    const why = (error as Error).message
    throw new PlatterError(
      'BAD_REQUEST',
      `${dir}: the certificate or its key is not usable: ${why}`,
    )
  }
  return options
}

async function pskOptions(path: string, verifyPeer: boolean): Promise<TlsOptions> {
  if (verifyPeer) {
    throw new PlatterError('BAD_REQUEST', 'with PSK there is no certificate of a client to verify')
  }
  const keys = parseKeys((await readSmall(path)).toString('utf8'), path)
  return {
    ciphers: PSK_CIPHERS,
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.2',
    dhparam: 'auto',
    pskCallback: (_, identity) => keys.get(identity) ?? null,
  }
}

function parseKeys(text: string, path: string): Map<string, Buffer> {
  const keys = new Map<string, Buffer>()
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue
    // The line itself has a secret in it and is never repeated.
    const match = /^(.+):((?:[0-9a-f]{2})+)\s*$/i.exec(line)
    if (match === null) {
      throw new PlatterError('BAD_REQUEST', `${path}: line ${i + 1} is not of the form user:hexkey`)
    }
    keys.set(match[1] ?? '', Buffer.from(match[2] ?? '', 'hex'))
  }
  if (keys.size === 0) throw new PlatterError('BAD_REQUEST', `${path}: there is no key in it`)
  return keys
}

async function readSmall(path: string): Promise<Buffer> {
  try {
    const { size } = await stat(path)
    if (size <= MAX_FILE_BYTES) return await readFile(path)
  } catch (error) {
    throw fileError(error, path, 'cannot read it for TLS')
  }
  throw new PlatterError(
    'LIMIT',
    `${path}: it is above ${MAX_FILE_BYTES} bytes, too large for keys`,
  )
}

async function secure(
  transport: Transport,
  options: TlsOptions,
  signal: AbortSignal,
): Promise<Transport> {
  if (!(transport instanceof SocketTransport)) {
    throw new PlatterError('NOT_SUPPORTED', `${transport.peer}: TLS needs a socket`)
  }
  let plain: Socket
  try {
    plain = await transport.release()
  } catch (error) {
    throw refusal(error as Error)
  }
  const encrypted = await handshake(plain, options, signal)
  if (options.requestCert === true && !encrypted.authorized) {
    encrypted.on('error', () => undefined)
    encrypted.destroy()
    throw refusal(encrypted.authorizationError, 'the certificate of the client is not accepted')
  }
  return new SocketTransport(encrypted, transport.peer, false)
}

/** A server of its own for the one connection: it judges the peer, which a bare TLS socket does not. */
function handshake(plain: Socket, options: TlsOptions, signal: AbortSignal): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      signal.removeEventListener('abort', onAbort)
      plain.off('close', onClose)
    }
    const fail = (error: PlatterError): void => {
      settle()
      plain.destroy()
      reject(error)
    }
    const onAbort = () => fail(abortedError(signal, 'TLS handshake'))
    const onClose = () => fail(refusal('the client hung up'))
    const server = createServer(options, (socket) => {
      settle()
      resolve(socket)
    })
    server.on('tlsClientError', (error) => fail(refusal(error)))
    plain.on('close', onClose)
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
    else server.emit('connection', plain)
  })
}

function refusal(
  error: Error | string | undefined,
  what = 'the TLS handshake failed',
): PlatterError {
  const why = error instanceof Error ? error.message : (error ?? 'there is none')
  return new PlatterError(
    'REFUSED',
    `${what}: ${why}`,
    error instanceof Error ? { cause: error } : {},
  )
}
