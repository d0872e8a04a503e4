// Who may talk to the browser host at all. It listens on loopback, but every web page that a browser on
// this machine shows can send requests there too: under a name of its own that resolves to 127.0.0.1 (so
// Host must be a loopback name), or across origins (so Origin, where there is one, must be this host's).
// Any port is right, because `ssh -L` forwards another one.

export interface Refusal {
  readonly status: number
  /** One sentence. */
  readonly reason: string
}

export interface CallerHeaders {
  readonly host?: string | undefined
  readonly origin?: string | undefined
}

const LOOPBACK_AUTHORITY = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::[0-9]{1,5})?$/i

/** `needsOrigin`: browsers send one with every WebSocket, so there a missing one is refused as well. */
export function refuseCaller(headers: CallerHeaders, needsOrigin: boolean): Refusal | undefined {
  const { host, origin } = headers
  if (host === undefined || !LOOPBACK_AUTHORITY.test(host)) {
    return forbidden('this host answers to localhost, 127.0.0.1 and [::1] only')
  }
  if (origin === undefined) {
    return needsOrigin ? forbidden('a WebSocket needs an Origin') : undefined
  }
  return origin.toLowerCase() === `http://${host.toLowerCase()}`
    ? undefined
    : forbidden('a page of another origin asked')
}

const forbidden = (reason: string): Refusal => ({ status: 403, reason })
