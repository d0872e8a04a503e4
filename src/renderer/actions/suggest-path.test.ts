import { expect, test } from 'vitest'
import type { ImageInfo } from '../../bridge/model'
import { suggestPath } from './suggest-path'

const image = (kind: ImageInfo['kind'], locator: string, name: string): ImageInfo => ({
  locator,
  name,
  kind,
  format: 'raw',
  size: 1,
  blockSize: { minimum: 1, preferred: 1, maximum: 1 },
  hasExtents: true,
})

test('a copy of a file stands beside it and keeps its ending', () => {
  const file = image('file', '/vm/disk.img', 'disk.img')
  expect(suggestPath(file, '/home/me', '-copy')).toBe('/vm/disk-copy.img')
  expect(suggestPath(file, '/home/me', '', '.overlay')).toBe('/vm/disk.overlay')
})

test('a name without an ending gets one, and a leading dot is no ending', () => {
  expect(suggestPath(image('file', '/dev/sdb', 'sdb'), '/h', '-copy')).toBe('/dev/sdb-copy.img')
  expect(suggestPath(image('file', '/a/.disk', '.disk'), '/h', '-copy')).toBe('/a/.disk-copy.img')
  expect(suggestPath(image('file', '/disk', 'disk'), '/h', '-copy')).toBe('/disk-copy.img')
})

test('what comes from a server goes into the home directory, under a name that a file can have', () => {
  const nbd = image('nbd', 'nbd://host/a/b c', 'a/b c')
  expect(suggestPath(nbd, '/home/me', '-copy')).toBe('/home/me/a-b-c-copy.img')
  expect(suggestPath(image('nbd', 'nbd://host', ''), '/home/me', '-copy')).toBe(
    '/home/me/disk-copy.img',
  )
})

test('a path of Windows keeps its separator', () => {
  const file = image('file', 'C:\\vm\\disk.img', 'disk.img')
  expect(suggestPath(file, 'C:\\me', '-copy')).toBe('C:\\vm\\disk-copy.img')
})
