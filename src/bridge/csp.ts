// The Content-Security-Policy of the page, the same in the window and in the browser: nothing from
// elsewhere, nothing inline, no text that becomes code.

const DIRECTIVES = {
  'default-src': "'none'",
  'script-src': "'self'",
  'style-src': "'self'",
  'img-src': "'self' blob: data:",
  'font-src': "'self'",
  'connect-src': "'self'",
  'worker-src': "'self'",
  'base-uri': "'none'",
  'form-action': "'none'",
  'frame-ancestors': "'none'",
  'require-trusted-types-for': "'script'",
} as const

export interface CspOptions {
  /**
   * The authority whose WebSocket the page opens, `127.0.0.1:8123`. Browsers differ on whether 'self'
   * covers ws: of the same authority, so it is spelled out. The caller has checked that it is loopback.
   */
  readonly socketAuthority?: string
}

export function contentSecurityPolicy(options: CspOptions = {}): string {
  const { socketAuthority } = options
  return Object.entries(DIRECTIVES)
    .map(([name, value]) =>
      name === 'connect-src' && socketAuthority !== undefined
        ? `${name} ${value} ws://${socketAuthority}`
        : `${name} ${value}`,
    )
    .join('; ')
}
