import { expect, test } from 'vitest'
import { isNbdUri } from '../workspace/locators'
import { requestedImages } from './requested-images'

const from = (argv: string[], namesApp = false) =>
  requestedImages({ argv: ['/opt/platter', ...argv], cwd: '/home/me', namesApp })

test('paths become absolute, seen from where the command was given', () => {
  expect(from(['disk.img', '../b.raw', '/c.img'])).toEqual([
    '/home/me/disk.img',
    '/home/b.raw',
    '/c.img',
  ])
})

test('switches of Chromium are no images, wherever they stand', () => {
  expect(from(['--inspect=0', 'a.img', '--no-sandbox'])).toEqual(['/home/me/a.img'])
})

test('run as `electron .` the application is no image', () => {
  expect(from(['--no-sandbox', '.', 'a.img'], true)).toEqual(['/home/me/a.img'])
})

test('a file address is a path', () => {
  expect(from(['file:///data/my%20disk.img'])).toEqual(['/data/my disk.img'])
})

test('NBD URIs and the sample stay as they are', () => {
  const uris = [
    'nbd://localhost/x',
    'nbds://h',
    'nbd+unix:///x?socket=/s',
    'NBDS+UNIX:///',
    'sample:',
  ]
  expect(from(uris)).toEqual(uris)
})

test('a path that only looks like an NBD URI is a path', () => {
  expect(isNbdUri('nbdisk.img')).toBe(false)
  expect(isNbdUri('./nbd:x')).toBe(false)
  expect(isNbdUri('nbd:unix:/run/x')).toBe(true)
})
