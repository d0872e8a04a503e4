import { expect, it } from 'vitest'
import { utf8 } from './bytes'
import { crc32 } from './crc32'

it('gives the check value of the standard', () => {
  expect(crc32(utf8('123456789'))).toBe(0xcbf43926)
  expect(crc32(new Uint8Array(0))).toBe(0)
  expect(crc32(new Uint8Array(32))).toBe(0x190a55ad)
})

it('goes on from the checksum of what came before', () => {
  expect(crc32(utf8('56789'), crc32(utf8('1234')))).toBe(0xcbf43926)
})
