import { describe, expect, it } from 'vitest'
import { hasCode, PlatterError } from '../base/errors'
import { formatNbdUri, looksLikeNbdUri, parseNbdUri } from './uri'

const refusal = (uri: string): PlatterError => {
  try {
    parseNbdUri(uri)
  } catch (error) {
    if (error instanceof PlatterError) return error
    throw error
  }
  throw new TypeError(`${uri} was accepted`)
}

describe('an NBD URI', () => {
  it.each([
    ['nbd://example.com/disk', 'example.com', 10809, 'disk'],
    ['nbd://example.com', 'example.com', 10809, ''],
    ['nbd://example.com/', 'example.com', 10809, ''],
    ['nbd://example.com//disk', 'example.com', 10809, '/disk'],
    ['nbd://example.com/a/b', 'example.com', 10809, 'a/b'],
    ['nbd://example.com/hello%20world', 'example.com', 10809, 'hello world'],
    ['nbd://example.com/a+b', 'example.com', 10809, 'a+b'],
    ['nbd://example.com/%C3%A9', 'example.com', 10809, 'é'],
    ['nbd://example.com:1234/', 'example.com', 1234, ''],
    ['nbd://example.com:/', 'example.com', 10809, ''],
    ['NBD://127.0.0.1:65535/x', '127.0.0.1', 65535, 'x'],
    ['nbd://[::1]:10810/x', '::1', 10810, 'x'],
    ['nbd://[fe80::1%25eth0]/', 'fe80::1%eth0', 10809, ''],
    ['nbd:///x', 'localhost', 10809, 'x'],
    ['nbd://h/x?x-anything=goes&x-more', 'h', 10809, 'x'],
  ])('%s is host %s, port %i, export "%s"', (uri, host, port, exportName) => {
    expect(parseNbdUri(uri)).toEqual({
      address: { kind: 'tcp', host, port },
      exportName,
      tls: false,
      uri,
    })
  })

  it.each([
    ['nbd+unix:///?socket=/run/d.sock', '/run/d.sock', ''],
    ['nbd+unix:///disk?socket=nbd.sock', 'nbd.sock', 'disk'],
    ['nbd+unix:///?socket=/a%20b', '/a b', ''],
    ['nbd+unix:///?socket=%00/abstract', '\0/abstract', ''],
    ['nbd+unix://?socket=s', 's', ''],
  ])('%s is a Unix socket', (uri, path, exportName) => {
    const target = parseNbdUri(uri)
    expect(target.address).toEqual({ kind: 'unix', path })
    expect(target.exportName).toBe(exportName)
  })

  it.each([
    ['http://example.com/', /scheme 'http'/],
    ['nbd:example.com', /expected nbd:\/\//],
    ['disk.img', /expected nbd:\/\//],
    ['nbd://h/x?frobnicate=1', /unknown parameter 'frobnicate'/],
    ['nbd://h/x?socket=s', /nbd\+unix/],
    ['nbd+unix:///x', /'socket' is missing/],
    ['nbd+unix:///x?socket=', /'socket' is missing/],
    ['nbd+unix:///x?socket=a&socket=b', /twice/],
    ['nbd+unix:///x?socket=a%00b', /NUL/],
    ['nbd+unix://host/x?socket=s', /no host/],
    ['nbd://h:0/', /port 0/],
    ['nbd://h:65536/', /port 65536/],
    ['nbd://h:12a/', /HOST:PORT/],
    ['nbd://::1/', /IPv6/],
    ['nbd://[what]/', /not an IPv6/],
    ['nbd://h/50%', /%25/],
    ['nbd://h/%ff', /UTF-8/],
    ['nbd://h/a%00b', /NUL/],
    ['nbd://h/x#part', /#part/],
    [`nbd://h/${'a'.repeat(4097)}`, /4096/],
    ['nbd://alice@h/', /user name/],
  ])('%s is refused', (uri, why) => {
    const error = refusal(uri)
    expect(error.code).toBe('BAD_URI')
    expect(error.message).toMatch(why)
    expect(error.message.startsWith(uri)).toBe(true)
  })

  it.each(['nbds://h/x', 'nbds+unix:///x?socket=s', 'nbd://h/x?tls-type=psk'])(
    '%s needs TLS, which is said',
    (uri) => {
      expect(hasCode(refusal(uri), 'NOT_SUPPORTED')).toBe(true)
    },
  )

  it('is refused for what is wrong in it before it is refused for TLS', () => {
    expect(refusal('nbds://h:99999/x').code).toBe('BAD_URI')
  })

  it.each([
    [{ kind: 'tcp', host: '127.0.0.1', port: 10809 }, '', 'nbd://127.0.0.1/'],
    [{ kind: 'tcp', host: '::1', port: 4 }, 'a b/c', 'nbd://[::1]:4/a%20b/c'],
    [
      { kind: 'unix', path: '/run/a b?.sock' },
      'é&#',
      'nbd+unix:///%C3%A9%26%23?socket=/run/a%20b%3F.sock',
    ],
    [{ kind: 'unix', path: '\0x' }, '/x', 'nbd+unix:////x?socket=%00x'],
  ] as const)('is written for %j', (address, name, uri) => {
    expect(formatNbdUri(address, name)).toBe(uri)
    expect(parseNbdUri(uri)).toMatchObject({ address, exportName: name })
  })

  it('is told from a file name', () => {
    expect(looksLikeNbdUri('nbd+unix:///?socket=s')).toBe(true)
    expect(looksLikeNbdUri('nbds://h')).toBe(true)
    expect(looksLikeNbdUri('nbd.img')).toBe(false)
  })
})
