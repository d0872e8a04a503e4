import { expect, test } from 'vitest'
import { contentSecurityPolicy } from './csp'
import {
  BRIDGE_PROTOCOL,
  bridgeProtocols,
  bridgeUrl,
  isTokenShaped,
  pageUrl,
  tokenOfFragment,
  tokenOfProtocols,
} from './web-handshake'

const TOKEN = 'abcDEF012-_abcDEF012'

test('the token goes from the address to the host', () => {
  const url = new URL(pageUrl('http://127.0.0.1:8123', TOKEN))
  const token = tokenOfFragment(url.hash)
  expect(token).toBe(TOKEN)
  expect(bridgeUrl(url.host)).toBe('ws://127.0.0.1:8123/bridge')
  const offered = bridgeProtocols(token!)
  expect(offered[0]).toBe(BRIDGE_PROTOCOL)
  expect(tokenOfProtocols(offered)).toBe(TOKEN)
})

test.each([
  ['no fragment', ''],
  ['another field', '#view=3'],
  ['an empty token', '#token='],
  ['a short token', '#token=abc'],
  ['a token with other characters', `#token=${TOKEN}%20`],
])('there is no token in %s', (_, fragment) => {
  expect(tokenOfFragment(fragment)).toBeUndefined()
})

test('other fields may stand beside the token', () => {
  expect(tokenOfFragment(`#view=3&token=${TOKEN}&x`)).toBe(TOKEN)
})

test('a token has 16 to 128 characters', () => {
  expect([15, 16, 128, 129].map((length) => isTokenShaped('a'.repeat(length)))).toEqual([
    false,
    true,
    true,
    false,
  ])
})

test('the policy allows nothing inline and nothing from elsewhere', () => {
  const policy = contentSecurityPolicy()
  expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'")
  expect(policy).not.toMatch(/unsafe|\*|https?:/)
  expect(contentSecurityPolicy({ socketAuthority: 'localhost:9' })).toBe(
    policy.replace("connect-src 'self'", "connect-src 'self' ws://localhost:9"),
  )
})
