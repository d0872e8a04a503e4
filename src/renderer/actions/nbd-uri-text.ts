// NBD URIs as text that a person types. Only what the dialog needs before it asks the host, which is
// the one that really reads them.

const SCHEMES = ['nbd:', 'nbds:', 'nbd+unix:', 'nbds+unix:'] as const

/** Why the text cannot be an NBD URI; undefined when the host should have a look. */
export function whyNoNbdUri(text: string): string | undefined {
  const uri = text.trim()
  if (uri === '')
    return 'Type a URI, for example nbd://localhost:10809/ or nbd+unix:///?socket=PATH'
  const scheme = /^[a-z0-9+.-]+:/i.exec(uri)?.[0].toLowerCase()
  if (scheme === undefined || !SCHEMES.some((each) => each === scheme)) {
    return `An NBD URI begins with ${SCHEMES.map((each) => `${each}//`).join(', ')}`
  }
  const rest = uri.slice(scheme.length)
  if (!rest.startsWith('//')) return `'${scheme}' must be followed by //`
  const isUnix = scheme.includes('unix')
  if (isUnix && !/[?&]socket=[^&]/.test(rest))
    return 'The path of the socket is missing: ?socket=PATH'
  if (isUnix && !rest.startsWith('///') && !rest.startsWith('//?')) {
    return 'A URI of a Unix socket has no host: nbd+unix:///NAME?socket=PATH'
  }
  if (!isUnix && /^\/\/(:|\/|\?|$)/.test(rest)) return 'The host is missing'
  return undefined
}

/** The same server, another export: its name is the path of the URI. */
export function withExportName(uri: string, name: string): string {
  const match = /^([a-z0-9+.-]+:\/\/[^/?#]*)(?:\/[^?#]*)?(\?[^#]*)?/i.exec(uri.trim())
  if (match === null) return uri
  return `${match[1]}/${encodeURIComponent(name)}${match[2] ?? ''}`
}
