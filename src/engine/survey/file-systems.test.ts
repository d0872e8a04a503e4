import { describe, expect, it } from 'vitest'
import { PlatterError } from '../base/errors'
import { Prng } from '../base/prng'
import { NO_CAPABILITIES } from '../disk/disk'
import { MemoryDisk } from '../disk/memory-disk'
import { detectFileSystem } from './file-systems'

const SIZE = 256 * 1024

type Bytes = readonly (readonly [at: number, hex: string])[]

const ascii = (text: string) => Buffer.from(text, 'latin1').toString('hex')

function imageOf(bytes: Bytes): Buffer {
  const image = Buffer.alloc(SIZE)
  for (const [at, hex] of bytes) image.write(hex, at, 'hex')
  return image
}

const detect = (image: Uint8Array, offset = 0, length = image.length - offset) =>
  detectFileSystem(MemoryDisk.from(image), offset, length)

/** Superblock of ext: inodes, block size, magic, then the three sets of features. */
const ext = (features: string): Bytes => [
  [1024, '10000000'],
  [1024 + 4, '00010000'],
  [1024 + 56, '53ef'],
  [1024 + 92, features],
]

const SIGNATURES: readonly (readonly [name: string, bytes: Bytes])[] = [
  ['luks', [[0, `${ascii('LUKS')}babe0002`]]],
  ['luks', [[0, `${ascii('LUKS')}babe0001`]]],
  ['xfs', [[0, `${ascii('XFSB')}00001000`]]],
  [
    'squashfs',
    [
      [0, ascii('hsqs')],
      [28, '0400'],
    ],
  ],
  ['apfs', [[32, ascii('NXSB')]]],
  ['ntfs', [[3, ascii('NTFS    ')]]],
  ['exfat', [[3, ascii('EXFAT   ')]]],
  [
    'lvm2',
    [
      [512, ascii('LABELONE')],
      [512 + 24, ascii('LVM2 001')],
    ],
  ],
  ['ext2', ext('3800000002000000 03000000'.replace(' ', ''))],
  ['ext3', ext('3c00000006000000 03000000'.replace(' ', ''))],
  ['ext4', ext('3c00000042000000 03000000'.replace(' ', ''))],
  ['ext4', ext('3c00000002000000 7b000000'.replace(' ', ''))],
  ['ext journal', ext('0000000008000000 00000000'.replace(' ', ''))],
  ['f2fs', [[1024, '1020f5f2']]],
  ['hfs+', [[1024, `${ascii('H+')}0004`]]],
  ['hfs+', [[1024, `${ascii('HX')}0005`]]],
  ['btrfs', [[65536 + 64, ascii('_BHRfS_M')]]],
  ['swap', [[4096 - 10, ascii('SWAPSPACE2')]]],
  ['swap', [[65536 - 10, ascii('SWAPSPACE2')]]],
  ['iso9660', [[32768, `01${ascii('CD001')}01`]]],
]

describe('detectFileSystem', () => {
  it.each(SIGNATURES)('knows the signature of %s, also inside a disk', async (name, bytes) => {
    const image = imageOf(bytes)
    expect(await detect(image)).toBe(name)
    const disk = Buffer.concat([Buffer.alloc(3 * 512), image])
    expect(await detect(disk, 3 * 512)).toBe(name)
    expect(await detect(disk, 0, 3 * 512)).toBe(undefined)
  })

  it.each(SIGNATURES)('does not know %s by half of its signature', async (_, bytes) => {
    const [at, hex] = bytes.at(-1) as (typeof bytes)[number]
    const image = imageOf([...bytes, [at, '00'.repeat(hex.length / 2)]])
    expect(['ext2', undefined]).toContain(await detect(image))
  })

  it('does not look behind the end of the range', async () => {
    const image = imageOf([[65536 + 64, ascii('_BHRfS_M')]])
    expect(await detect(image, 0, 65536 + 64 + 7)).toBe(undefined)
    expect(await detect(image, 0, 65536 + 64 + 8)).toBe('btrfs')
  })

  it('finds nothing in an empty range or one outside the disk', async () => {
    const image = imageOf([[0, `${ascii('XFSB')}00001000`]])
    expect(await detect(image, 0, 0)).toBe(undefined)
    expect(await detect(image, SIZE, 1000)).toBe(undefined)
    expect(await detect(image, SIZE + 512, 1000)).toBe(undefined)
  })

  it('does not take random bytes for anything (seeds 1 to 300)', async () => {
    for (let seed = 1; seed <= 300; seed++) {
      const image = new Prng(seed).fill(new Uint8Array(70_000))
      expect(await detect(image), `seed ${seed}`).toBe(undefined)
    }
  })

  it('says why when the disk cannot be read', async () => {
    class BadDisk extends MemoryDisk {
      override readonly capabilities = NO_CAPABILITIES
      override read(): Promise<void> {
        return Promise.reject(new PlatterError('IO_ERROR', 'read: bad sector'))
      }
    }
    await expect(detectFileSystem(new BadDisk(SIZE), 0, SIZE)).rejects.toThrow('read: bad sector')
  })
})
