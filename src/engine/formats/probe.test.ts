import { describe, expect, it } from 'vitest'
import { Prng } from '../base/prng'
import { PROBE_HEAD_LENGTH, PROBE_TAIL_LENGTH, probeFormat } from './probe'

/** An image of `size` bytes with `text` or bytes at one place; what its ends look like. */
function probeWith(bytes: string | number[], offset = 0, size = 1024 * 1024) {
  const image = new Uint8Array(size)
  const content = typeof bytes === 'string' ? [...bytes].map((c) => c.charCodeAt(0)) : bytes
  image.set(content, offset < 0 ? size + offset : offset)
  const tail = image.subarray(Math.max(0, size - PROBE_TAIL_LENGTH))
  return probeFormat(image.subarray(0, PROBE_HEAD_LENGTH), size, tail)
}

describe('probing a format', () => {
  const containers: readonly (readonly [string, string | number[], number])[] = [
    ['qcow', 'QFI\xfb\0\0\0\x01', 0],
    ['qcow2', 'QFI\xfb\0\0\0\x02', 0],
    ['qcow2', 'QFI\xfb\0\0\0\x03', 0],
    ['qed', 'QED\0', 0],
    ['vmdk', 'KDMV', 0],
    ['vmdk', 'COWD', 0],
    ['vmdk', '# Disk DescriptorFile\nversion=1', 0],
    ['vmdk', '\xbe\xba\xfe\xca\0\0\0\0', 0],
    ['vhdx', 'vhdxfile', 0],
    ['vpc', 'conectix', 0],
    ['vpc', 'conectix', -512],
    ['vpc', 'conectix', -511],
    ['vdi', '\x7f\x10\xda\xbe', 64],
    ['parallels', 'WithoutFreeSpace', 0],
    ['parallels', 'WithouFreSpacExt', 0],
    ['bochs', 'Bochs Virtual HD Image', 0],
    ['cloop', '#!/bin/sh\n#V2.0 Format\n', 0],
    ['dmg', 'koly', -512],
    ['add-cow', 'ADD_COW\xff', 0],
    ['ewf', 'EVF\x09\x0d\x0a\xff\0', 0],
    ['ewf', 'EVF2\x0d\x0a\x81\0', 0],
    ['aff', 'AFF10\r\n\0', 0],
    ['wim', 'MSWIM\0\0\0', 0],
    ['gzip', '\x1f\x8b\x08', 0],
    ['xz', '\xfd7zXZ\0', 0],
    ['zstd', '\x28\xb5\x2f\xfd', 0],
    ['lz4', '\x04\x22\x4d\x18', 0],
    ['bzip2', 'BZh91AY&SY', 0],
    ['zip', 'PK\x03\x04', 0],
    ['7z', '7z\xbc\xaf\x27\x1c', 0],
  ]
  for (const [format, magic, offset] of containers) {
    it(`names ${format} by ${JSON.stringify(magic)} at ${offset} and says what to do`, () => {
      const probed = probeWith(magic, offset)
      expect(probed.format).toBe(format)
      expect(probed.supported).toBe(false)
      expect(probed.why).toMatch(/give the format as raw to see its own bytes$/)
    })
  }

  it('takes what is a disk with content for what it is, and shows it', () => {
    expect(probeWith('LUKS\xba\xbe')).toMatchObject({ format: 'luks', supported: true })
    expect(probeWith('CD001', 32_769)).toMatchObject({ format: 'iso9660', supported: true })
  })

  it('takes everything else for raw', () => {
    for (const image of ['', '\x55\xaa', 'QFI', 'BZh9 and no more', 'EFI PART', 'PK', 'koly']) {
      expect(probeWith(image)).toMatchObject({ format: 'raw', supported: true })
    }
    expect(probeWith('qcow2', 4)).toMatchObject({ format: 'raw' })
  })

  it('looks at both ends of images that are shorter than what it asks for', () => {
    expect(probeWith('QED\0', 0, 4).format).toBe('qed')
    expect(probeWith('conectix', -512, 512).format).toBe('vpc')
    expect(probeWith('QE', 0, 2).format).toBe('raw')
    expect(probeFormat(new Uint8Array(1), 1, new Uint8Array(1)).format).toBe('raw')
  })

  it('does without the end', () => {
    expect(probeFormat(new Uint8Array(512), 1024).format).toBe('raw')
  })

  it('takes bytes of any kind', () => {
    for (let seed = 1; seed <= 200; seed++) {
      const prng = new Prng(seed)
      const head = prng.fill(new Uint8Array(prng.below(2000)))
      const tail = prng.fill(new Uint8Array(prng.below(512)))
      expect(probeFormat(head, head.length, tail).why.length).toBeGreaterThan(10)
    }
  })

  it('tells how to serve what qemu can read, by the name that qemu gives it', () => {
    expect(probeWith('conectix').why).toContain("'qemu-nbd --read-only --format=vpc FILE'")
  })
})
