import { describe, expect, it } from 'vitest'
import { PlatterError } from '../base/errors'
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

  const x509 = { type: 'x509', verifyPeer: true } as const
  it.each([
    ['nbds://h/x', { ...x509, wish: 'required', hostname: 'h' }],
    ['nbds://[::1]:4/', { ...x509, wish: 'required', hostname: '::1' }],
    ['nbds+unix:///x?socket=s', { ...x509, wish: 'required', hostname: 'localhost' }],
    [
      'nbds://h/?tls-hostname=disk.example',
      { ...x509, wish: 'required', hostname: 'disk.example' },
    ],
    [
      'nbds://h/?tls-certificates=/a%20b&tls-verify-peer=0',
      { wish: 'required', type: 'x509', hostname: 'h', verifyPeer: false, certificates: '/a b' },
    ],
    [
      'nbds+unix://alice@/?socket=s&tls-psk-file=keys',
      {
        wish: 'required',
        type: 'psk',
        hostname: 'localhost',
        verifyPeer: true,
        pskFile: 'keys',
        user: 'alice',
      },
    ],
    ['nbd://h/x?tls-type=x509', { ...x509, wish: 'opportunistic', hostname: 'h' }],
  ])('%s asks for TLS', (uri, tls) => {
    expect(parseNbdUri(uri).tls).toEqual(tls)
  })

  it.each([
    ['nbds://h/?tls-type=anon', /anon/],
    ['nbds://h/?tls-type=rot13', /'rot13'/],
    ['nbds://h/?tls-type=psk', /tls-psk-file/],
    ['nbds://h/?tls-type=x509&tls-psk-file=f', /tls-type=psk/],
    ['nbds://h/?tls-certificates=d&tls-psk-file=f', /exclude/],
    ['nbds://h/?tls-verify-peer=2', /'2'/],
    ['nbds://h/?tls-verify-peer=1&tls-verify-peer=0', /twice/],
    ['nbds://h/?tls-hostname=', /empty/],
    ['nbds://h/?tls-cipher=x', /'tls-cipher'/],
    ['nbds://alice@h/', /tls-type=psk/],
    ['nbds://:@h/?tls-psk-file=f', /user name/],
    ['nbds://h:99999/x', /port/],
  ])('%s is refused for its TLS', (uri, why) => {
    const error = refusal(uri)
    expect(error.code).toBe('BAD_URI')
    expect(error.message).toMatch(why)
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
