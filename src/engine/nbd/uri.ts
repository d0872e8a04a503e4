// NBD URIs, after doc/uri.md of the specification: nbd://HOST[:PORT]/EXPORT and
// nbd+unix:///EXPORT?socket=PATH, with nbds and nbds+unix for TLS. The export name is the path without
// exactly one leading slash, percent-decoded; a plus sign is a plus sign. A query parameter that is not
// understood is refused by its name, except for those that begin with `x-`.
//
// TLS. `nbds` demands it: nothing is sent in the clear behind the greeting. `nbd` alone does not ask for
// it. `nbd` with any tls- parameter is what doc/uri.md calls opportunistic: a server that has TLS is used
// with it, one that has not is used without, which protects against nobody who can change what is on
// the wire; that is why the parameters have to be written down to get it. The server's name is checked
// against the host of the URI, or tls-hostname; a Unix socket has no host and counts as `localhost`.
// Anonymous TLS (tls-type=anon) is refused: it hides the bytes from those who only look.

import { utf8 } from '../base/bytes'
import { PlatterError } from '../base/errors'
import { NBD_PORT } from './constants'
import { MAX_STRING } from './limits'
import type { ListenAddress } from './transport'

export interface NbdTarget {
  readonly address: ListenAddress
  readonly exportName: string
  /** Absent: no TLS is asked for. */
  readonly tls?: TlsTarget
  /** The text that was parsed. */
  readonly uri: string
}

export interface TlsTarget {
  readonly wish: 'opportunistic' | 'required'
  readonly type: 'x509' | 'psk'
  /** What the server's certificate has to be for. */
  readonly hostname: string
  /** False: any certificate will do. */
  readonly verifyPeer: boolean
  /** A directory with ca-cert.pem, client-cert.pem and client-key.pem, each of which may be missing. */
  readonly certificates?: string
  /** Lines of `user:key in hexadecimal`. */
  readonly pskFile?: string
  /** Whose key; absent: that of whoever runs the program. */
  readonly user?: string
}

const SCHEMES: Readonly<Record<string, { unix: boolean; tls: boolean }>> = {
  nbd: { unix: false, tls: false },
  nbds: { unix: false, tls: true },
  'nbd+unix': { unix: true, tls: false },
  'nbds+unix': { unix: true, tls: true },
}

/** `nbd:`, `nbds:`, `nbd+unix:` or their kin: whether a text means a server and not a file. */
export const looksLikeNbdUri = (text: string): boolean => /^nbds?(\+[a-z]+)?:/i.test(text)

export function parseNbdUri(text: string): NbdTarget {
  const match = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)([^?#]*)(?:\?([^#]*))?(#.*)?$/i.exec(text)
  if (match === null)
    return refuse(text, 'expected nbd://HOST/EXPORT or nbd+unix:///EXPORT?socket=PATH')
  const [, name = '', authority = '', path = '', query = '', fragment] = match
  const scheme = SCHEMES[name.toLowerCase()]
  if (scheme === undefined) {
    return refuse(text, `unknown scheme '${name}' (known: ${Object.keys(SCHEMES).join(', ')})`)
  }
  if (fragment !== undefined)
    refuse(text, `'${fragment}' is not part of an NBD URI (write # as %23)`)
  const parameters = parseQuery(text, query)
  const socket = parameters.get('socket')
  const { user, host } = splitUser(text, authority)
  const address = scheme.unix ? unixAddress(text, host, socket) : tcpAddress(text, host, socket)
  const exportName = decode(text, path.replace(/^\//, ''), 'the export name')
  if (exportName.includes('\0')) refuse(text, 'the export name has a NUL character')
  if (utf8(exportName).length > MAX_STRING) {
    refuse(text, `the export name is longer than ${MAX_STRING} bytes`)
  }
  const tls = tlsTarget(text, scheme.tls, address, parameters, user)
  return { address, exportName, ...(tls === undefined ? {} : { tls }), uri: text }
}

function tlsTarget(
  text: string,
  required: boolean,
  address: ListenAddress,
  parameters: ReadonlyMap<string, string>,
  user: string | undefined,
): TlsTarget | undefined {
  if (!required && ![...parameters.keys()].some((key) => key.startsWith('tls-'))) {
    if (user !== undefined) refuse(text, 'a user name is only for TLS (nbds:)')
    return undefined
  }
  const certificates = parameters.get('tls-certificates')
  const pskFile = parameters.get('tls-psk-file')
  const type = tlsType(text, parameters.get('tls-type'), pskFile, certificates)
  if (user !== undefined && type !== 'psk') refuse(text, 'a user name is only for tls-type=psk')
  const verify = parameters.get('tls-verify-peer') ?? '1'
  if (verify !== '0' && verify !== '1') refuse(text, `tls-verify-peer is 0 or 1, not '${verify}'`)
  const host = address.kind === 'tcp' ? address.host : 'localhost'
  return {
    wish: required ? 'required' : 'opportunistic',
    type,
    hostname: parameters.get('tls-hostname') ?? host,
    verifyPeer: verify === '1',
    ...(certificates === undefined ? {} : { certificates }),
    ...(pskFile === undefined ? {} : { pskFile }),
    ...(user === undefined ? {} : { user }),
  }
}

function tlsType(
  text: string,
  asked: string | undefined,
  pskFile: string | undefined,
  certificates: string | undefined,
): 'x509' | 'psk' {
  const type = asked ?? (pskFile === undefined ? 'x509' : 'psk')
  if (type === 'anon')
    refuse(text, 'tls-type=anon is not offered: it proves nothing to either side')
  if (type !== 'x509' && type !== 'psk')
    return refuse(text, `tls-type is x509 or psk, not '${type}'`)
  if (type === 'psk' && pskFile === undefined) refuse(text, 'tls-type=psk needs tls-psk-file=FILE')
  if (type === 'psk' && certificates !== undefined) {
    refuse(text, 'tls-certificates and a pre-shared key exclude each other')
  }
  if (type === 'x509' && pskFile !== undefined) refuse(text, 'tls-psk-file needs tls-type=psk')
  return type
}

/** `user@host`, as the authority has it. */
function splitUser(text: string, authority: string): { user?: string; host: string } {
  const at = authority.lastIndexOf('@')
  if (at < 0) return { host: authority }
  const user = decode(text, authority.slice(0, at), 'the user name')
  if (user === '' || /[\0\n:]/.test(user)) refuse(text, 'the user name is empty or has a colon')
  return { user, host: authority.slice(at + 1) }
}

/** The URI of an export at an address that our own server listens on. */
export function formatNbdUri(
  address: ListenAddress,
  exportName: string,
  requiresTls = false,
): string {
  const scheme = requiresTls ? 'nbds' : 'nbd'
  const name = encodeURIComponent(exportName).replaceAll('%2F', '/')
  if (address.kind === 'unix') {
    const socket = encodeURIComponent(address.path).replaceAll('%2F', '/')
    return `${scheme}+unix:///${name}?socket=${socket}`
  }
  const host = address.host.includes(':')
    ? `[${address.host.replace('%', '%25')}]`
    : encodeURIComponent(address.host)
  const port = address.port === NBD_PORT ? '' : `:${address.port}`
  return `${scheme}://${host}${port}/${name}`
}

const PARAMETERS: readonly string[] = [
  'socket',
  'tls-type',
  'tls-hostname',
  'tls-verify-peer',
  'tls-certificates',
  'tls-psk-file',
]

/** The parameters by name, decoded; an unknown one, or one that is there twice, is refused. */
function parseQuery(text: string, query: string): Map<string, string> {
  const found = new Map<string, string>()
  for (const pair of query.split('&')) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    const key = decode(text, equals < 0 ? pair : pair.slice(0, equals), 'a parameter')
    if (key.startsWith('x-')) continue
    if (!PARAMETERS.includes(key)) refuse(text, `unknown parameter '${key}'`)
    if (found.has(key)) refuse(text, `parameter '${key}' is there twice`)
    const value = decode(text, equals < 0 ? '' : pair.slice(equals + 1), `parameter '${key}'`)
    if (key !== 'socket' && (value === '' || value.includes('\0'))) {
      refuse(text, `parameter '${key}' is empty or has a NUL character`)
    }
    found.set(key, value)
  }
  return found
}

function unixAddress(text: string, authority: string, socket: string | undefined): ListenAddress {
  if (authority !== '') refuse(text, `a Unix socket has no host, but '${authority}' stands there`)
  if (socket === undefined || socket === '') {
    return refuse(text, `parameter 'socket' is missing: add ?socket=PATH`)
  }
  if (socket.includes('\0', 1)) refuse(text, `parameter 'socket' has a NUL inside`)
  return { kind: 'unix', path: socket }
}

function tcpAddress(text: string, authority: string, socket: string | undefined): ListenAddress {
  if (socket !== undefined) refuse(text, `parameter 'socket' needs the scheme nbd+unix`)
  const match = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d*))?$/.exec(authority)
  if (match === null) {
    return refuse(text, `'${authority}' is not HOST or HOST:PORT (an IPv6 address stands in [ ])`)
  }
  const literal = match[1]
  if (literal !== undefined && !/^[0-9a-f:.]+(%.+)?$/i.test(literal)) {
    refuse(text, `'${literal}' is not an IPv6 address`)
  }
  const host = decode(text, literal ?? match[2] ?? '', 'the host')
  const port = match[3] === undefined || match[3] === '' ? NBD_PORT : Number(match[3])
  if (port < 1 || port > 65535) refuse(text, `port ${port} is not between 1 and 65535`)
  return { kind: 'tcp', host: host === '' ? 'localhost' : host, port }
}

function decode(text: string, part: string, what: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return refuse(text, `${what} has a % that does not begin a UTF-8 escape (write % as %25)`)
  }
}

function refuse(text: string, why: string): never {
  throw new PlatterError('BAD_URI', `${text}: ${why}`)
}
