// NBD URIs, after doc/uri.md of the specification: nbd://HOST[:PORT]/EXPORT and
// nbd+unix:///EXPORT?socket=PATH, with nbds and nbds+unix for TLS. The export name is the path without
// exactly one leading slash, percent-decoded; a plus sign is a plus sign. A query parameter that is not
// understood is refused by its name, except for those that begin with `x-`.

import { utf8 } from '../base/bytes'
import { PlatterError } from '../base/errors'
import { NBD_PORT } from './constants'
import { MAX_STRING } from './limits'
import type { ListenAddress } from './transport'

export interface NbdTarget {
  readonly address: ListenAddress
  readonly exportName: string
  readonly tls: boolean
  /** The text that was parsed. */
  readonly uri: string
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
  const socket = parseQuery(text, query)
  const address = scheme.unix
    ? unixAddress(text, authority, socket)
    : tcpAddress(text, authority, socket)
  const exportName = decode(text, path.replace(/^\//, ''), 'the export name')
  if (exportName.includes('\0')) refuse(text, 'the export name has a NUL character')
  if (utf8(exportName).length > MAX_STRING) {
    refuse(text, `the export name is longer than ${MAX_STRING} bytes`)
  }
  if (scheme.tls) {
    throw new PlatterError('NOT_SUPPORTED', `${text}: TLS connections are not supported yet`)
  }
  return { address, exportName, tls: scheme.tls, uri: text }
}

/** The URI of an export at an address that our own server listens on. */
export function formatNbdUri(address: ListenAddress, exportName: string): string {
  const name = encodeURIComponent(exportName).replaceAll('%2F', '/')
  if (address.kind === 'unix') {
    const socket = encodeURIComponent(address.path).replaceAll('%2F', '/')
    return `nbd+unix:///${name}?socket=${socket}`
  }
  const host = address.host.includes(':')
    ? `[${address.host.replace('%', '%25')}]`
    : encodeURIComponent(address.host)
  const port = address.port === NBD_PORT ? '' : `:${address.port}`
  return `nbd://${host}${port}/${name}`
}

const TLS_PARAMETERS = /^tls-/

/** The value of `socket`; every other parameter is refused. */
function parseQuery(text: string, query: string): string | undefined {
  let socket: string | undefined
  for (const pair of query.split('&')) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    const key = decode(text, equals < 0 ? pair : pair.slice(0, equals), 'a parameter')
    if (key.startsWith('x-')) continue
    if (TLS_PARAMETERS.test(key)) {
      throw new PlatterError('NOT_SUPPORTED', `${text}: '${key}': TLS is not supported yet`)
    }
    if (key !== 'socket') refuse(text, `unknown parameter '${key}'`)
    if (socket !== undefined) refuse(text, `parameter 'socket' is there twice`)
    socket = decode(text, equals < 0 ? '' : pair.slice(equals + 1), `parameter 'socket'`)
  }
  return socket
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
  if (authority.includes('@'))
    refuse(text, 'a user name is only for TLS, which is not supported yet')
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
