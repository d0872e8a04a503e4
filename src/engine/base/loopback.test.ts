import { describe, expect, it } from 'vitest'
import { isLoopback } from './loopback'

describe('an address to listen on', () => {
  it.each([
    '127.0.0.1',
    '127.1.2.3',
    '::1',
    '0:0:0:0:0:0:0:1',
    '0::0001',
    '0:0:0:0:0:ffff:127.0.0.1',
    '::ffff:127.0.0.1',
    'localhost',
    'a.localhost',
  ])('%s is reached from this machine only', (address) => expect(isLoopback(address)).toBe(true))

  it.each([
    '0.0.0.0',
    '::',
    '192.168.1.1',
    '128.0.0.1',
    '::ffff:10.0.0.1',
    'fe80::1',
    'example.org',
    'notlocalhost',
    '127.1',
    '127.0.0.256',
    '::11',
    '::1:1',
    '::ffff:127.0.0',
    '',
  ])('%s may be reached from others', (address) => expect(isLoopback(address)).toBe(false))
})
