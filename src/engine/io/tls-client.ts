// The client's side of TLS: takes a connected transport and gives back an encrypted one in its place.
//
// x509: the server's certificate has to lead to a known authority (ca-cert.pem of the directory, or those
// that this machine trusts) and to be for the host; client-cert.pem and client-key.pem are shown to a
// server that asks. PSK: both sides prove that they have the key; a server that shows a certificate
// instead is refused, since nobody said which one it should be. Keys never appear in a message.

import { existsSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { isIP } from 'node:net'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import type { ConnectionOptions } from 'node:tls'
import { checkServerIdentity, connect, rootCertificates } from 'node:tls'
import { abortedError, PlatterError } from '../base/errors'
import type { SecureTransport } from '../nbd/run-handshake'
import type { Transport } from '../nbd/transport'
import type { TlsTarget } from '../nbd/uri'
import { SocketTransport } from './socket-transport'

/** Certificates and key files are small; what is larger is something else. */
const MAX_FILE_BYTES = 4 * 1024 * 1024

/** Where systems keep the certificates that they trust, beside those that Node brings along. */
const SYSTEM_BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/cert.pem',
]

/**
 * What encrypts connections as a URI asks for. Its files are read at once: NOT_FOUND, NO_PERMISSION or
 * BAD_REQUEST come from here; REFUSED, with the reason, from each connection that is not to be trusted.
 */
export async function tlsClient(target: TlsTarget): Promise<SecureTransport> {
  const options = target.type === 'psk' ? await pskOptions(target) : await x509Options(target)
  return (transport, signal) => upgrade(transport, options, signal)
}

async function x509Options(target: TlsTarget): Promise<ConnectionOptions> {
  const { certificates: dir, hostname, verifyPeer } = target
  const found = (name: string): Promise<Buffer> | undefined =>
    dir === undefined || !existsSync(join(dir, name)) ? undefined : readSmall(join(dir, name))
  // One after the other, so that of several files that will not do it is always the first that is named.
  const ca = await found('ca-cert.pem')
  const cert = await found('client-cert.pem')
  const key = await found('client-key.pem')
  if (dir !== undefined && ca === undefined && cert === undefined) {
    const why = 'the directory has neither ca-cert.pem nor client-cert.pem'
    throw new PlatterError('NOT_FOUND', `${dir}: ${why}`)
  }
  if ((cert === undefined) !== (key === undefined)) {
    const why = 'client-cert.pem and client-key.pem are only of use together'
    throw new PlatterError('NOT_FOUND', `${dir}: ${why}`)
  }
  return {
    ca: ca ?? (await systemAuthorities()),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
    // An address cannot be sent as the name that is wanted, but it is compared all the same.
    ...(isIP(hostname) === 0 ? { servername: hostname } : {}),
    checkServerIdentity: (_, certificate) => checkServerIdentity(hostname, certificate),
    rejectUnauthorized: verifyPeer,
  }
}

async function systemAuthorities(): Promise<string[]> {
  const bundle = process.env['SSL_CERT_FILE'] ?? SYSTEM_BUNDLES.find((path) => existsSync(path))
  const known = [...rootCertificates]
  if (bundle !== undefined) known.push((await readSmall(bundle)).toString('latin1'))
  return known
}

async function pskOptions(target: TlsTarget): Promise<ConnectionOptions> {
  const path = target.pskFile ?? ''
  const user = target.user ?? userInfo().username
  const lines = (await readSmall(path)).toString('utf8').split(/\r?\n/)
  const found = lines.find((line) => line.slice(0, line.lastIndexOf(':')) === user)
  const digits = found?.slice(found.lastIndexOf(':') + 1) ?? ''
  if (found === undefined) {
    throw new PlatterError('BAD_REQUEST', `${path}: there is no key for user '${user}'`)
  }
  if (!/^([0-9a-f]{2})+$/i.test(digits)) {
    throw new PlatterError('BAD_REQUEST', `${path}: the key of '${user}' is not hexadecimal`)
  }
  const psk = Buffer.from(digits, 'hex')
  return {
    pskCallback: () => ({ psk, identity: user }),
    ciphers: 'ECDHE-PSK:DHE-PSK:PSK:@SECLEVEL=1',
    ca: [],
    checkServerIdentity: (_, certificate) =>
      Object.keys(certificate).length === 0
        ? undefined
        : new Error('it showed a certificate instead of knowing the key'),
  }
}

async function readSmall(path: string): Promise<Buffer> {
  try {
    const { size } = await stat(path)
    if (size > MAX_FILE_BYTES) {
      throw new PlatterError('LIMIT', `${path}: ${size} bytes are too many for keys`)
    }
    return await readFile(path)
  } catch (error) {
    if (error instanceof PlatterError) throw error
    const { code, message } = error as NodeJS.ErrnoException
    const denied = code === 'EACCES' || code === 'EPERM'
    throw new PlatterError(denied ? 'NO_PERMISSION' : 'NOT_FOUND', `${path}: ${message}`, {
      cause: error,
    })
  }
}

async function upgrade(
  transport: Transport,
  options: ConnectionOptions,
  signal: AbortSignal,
): Promise<Transport> {
  if (!(transport instanceof SocketTransport)) {
    throw new PlatterError('NOT_SUPPORTED', `${transport.peer}: TLS needs a socket`)
  }
  const { peer } = transport
  const plain = await transport.release()
  return new Promise((resolve, reject) => {
    const onAbort = () => fail(abortedError(signal, 'TLS handshake'))
    const onError = (error: Error) => fail(untrusted(error))
    const onClose = () => fail(untrusted(new Error('the server hung up in the TLS handshake')))
    const settle = (): void => {
      signal.removeEventListener('abort', onAbort)
      socket.off('secureConnect', onSecure)
      socket.off('close', onClose)
      socket.off('error', onError)
    }
    const fail = (error: PlatterError): void => {
      settle()
      socket.on('error', () => undefined)
      socket.destroy()
      plain.destroy()
      reject(error)
    }
    const onSecure = (): void => {
      settle()
      resolve(new SocketTransport(socket, peer, false))
    }
    const socket = connect({ ...options, socket: plain, minVersion: 'TLSv1.2' })
    socket.on('error', onError)
    socket.on('close', onClose)
    socket.on('secureConnect', onSecure)
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
  })
}

function untrusted(error: NodeJS.ErrnoException): PlatterError {
  const code = error.code === undefined ? '' : ` (${error.code})`
  return new PlatterError('REFUSED', `TLS: ${error.message}${code}`, { cause: error })
}
