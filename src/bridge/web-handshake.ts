// What the browser host and its page agree on before any message of the contract: where the WebSocket
// is, and how the page shows that it was given the address by the person who started the host.
//
// The token stands in the URL's fragment, which a browser never sends to a server nor in a referrer. The
// page offers two subprotocols, the second of which carries the token; the host takes the first, so the
// token is in no reply. An upgrade without the right token is refused with 401 before a channel exists.
// A page cannot see that status, only that the socket closed: when `GET /` is answered all the same, the
// address belongs to an earlier run of the host.

/** Path of the WebSocket; everything else is a file of the page. */
export const BRIDGE_PATH = '/bridge'
/** The subprotocol that the host takes. The number grows when the wire format changes. */
export const BRIDGE_PROTOCOL = 'platter.1'

const TOKEN_PROTOCOL = 'platter.token.'
const TOKEN_FIELD = 'token='
const TOKEN_SHAPE = /^[A-Za-z0-9_-]{16,128}$/

/** WebSocket close codes of our own, beside 1001 (the host stops). */
export const CLOSE_CODES = {
  /** The other side broke the wire format. */
  PROTOCOL: 4002,
  /** The other side reads too slowly for what it asked for. */
  TOO_SLOW: 4008,
} as const

/** 16 to 128 characters of base64url: what can be a token at all. */
export const isTokenShaped = (text: string): boolean => TOKEN_SHAPE.test(text)

/** The address to open, for `origin` like `http://127.0.0.1:8123`. */
export const pageUrl = (origin: string, token: string): string =>
  `${origin}/#${TOKEN_FIELD}${token}`

/** The token in `location.hash`; `undefined` when there is none. Other fields may stand beside it. */
export function tokenOfFragment(fragment: string): string | undefined {
  const fields = fragment.replace(/^#/, '').split('&')
  const token = fields.find((field) => field.startsWith(TOKEN_FIELD))?.slice(TOKEN_FIELD.length)
  return token !== undefined && isTokenShaped(token) ? token : undefined
}

/** The address of the WebSocket, for the page's `location.host`. */
export const bridgeUrl = (authority: string): string => `ws://${authority}${BRIDGE_PATH}`

/** The second argument of `new WebSocket`. */
export const bridgeProtocols = (token: string): string[] => [
  BRIDGE_PROTOCOL,
  TOKEN_PROTOCOL + token,
]

/** The token among the subprotocols that a page offers. */
export function tokenOfProtocols(offered: Iterable<string>): string | undefined {
  for (const protocol of offered) {
    if (protocol.startsWith(TOKEN_PROTOCOL)) return protocol.slice(TOKEN_PROTOCOL.length)
  }
  return undefined
}
