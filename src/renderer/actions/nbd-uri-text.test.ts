import { expect, test } from 'vitest'
import { whyNoNbdUri, withExportName } from './nbd-uri-text'

test.each([
  'nbd://localhost',
  'nbd://localhost:10809/disk',
  'nbd://[::1]:10809/',
  'nbds://example.com/a',
  'nbd+unix:///?socket=/tmp/s',
  'nbd+unix:///disk?socket=/tmp/s',
])('%s is worth asking the host about', (uri) => {
  expect(whyNoNbdUri(uri)).toBeUndefined()
})

test.each([
  ['', 'Type a URI'],
  ['localhost:10809', 'begins with'],
  ['http://localhost/', 'begins with'],
  ['nbd:localhost', 'followed by //'],
  ['nbd://', 'host is missing'],
  ['nbd:///disk', 'host is missing'],
  ['nbd+unix:///disk', 'path of the socket'],
  ['nbd+unix://host/?socket=/s', 'has no host'],
])('%s is not: %s', (uri, why) => {
  expect(whyNoNbdUri(uri)).toContain(why)
})

test('an export name takes the place of the path', () => {
  expect(withExportName('nbd://h:10809/old', 'new')).toBe('nbd://h:10809/new')
  expect(withExportName('nbd://h', '')).toBe('nbd://h/')
  expect(withExportName('nbd://h/', '/a b?c')).toBe('nbd://h/%2Fa%20b%3Fc')
  expect(withExportName('nbd+unix:///x?socket=/tmp/s', 'y')).toBe('nbd+unix:///y?socket=/tmp/s')
  expect(withExportName('nbd+unix://?socket=/tmp/s', 'y')).toBe('nbd+unix:///y?socket=/tmp/s')
})
