import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createSampleImage, samplePieces } from './sample-image'
import { noiseBytes, proseText } from './sample-image-content'

const PATH = `${process.env['PATH']}:/usr/sbin:/sbin`
const env = { ...process.env, PATH }
const has = (program: string) => spawnSync('which', [program], { env }).status === 0
const MIB = 1024 * 1024

vi.setConfig({ hookTimeout: 60_000 })

let dir = ''
let sample = ''
let efi = ''
let linux = ''

async function cut(offset: number, length: number, name: string): Promise<string> {
  const path = join(dir, name)
  const file = await open(sample)
  const bytes = new Uint8Array(length)
  await file.read(bytes, 0, length, offset)
  await file.close()
  await writeFile(path, bytes)
  return path
}

beforeAll(async () => {
  // In memory where there is such a place: hundreds of megabytes are written and deleted.
  const parent = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
  dir = await mkdtemp(join(parent, 'platter-sample-'))
  sample = join(dir, 'sample.img')
  await createSampleImage(sample)
  efi = await cut(1 * MIB, 32 * MIB, 'efi.img')
  linux = await cut(33 * MIB, 222 * MIB, 'linux.img')
})
afterAll(() => rm(dir, { recursive: true }))

const output = (program: string, ...args: string[]) =>
  execFileSync(program, args, {
    env,
    encoding: 'buffer',
    maxBuffer: 64 * MIB,
    stdio: ['ignore', 'pipe', 'ignore'],
  })

describe('the sample image', () => {
  it.skipIf(!has('sgdisk'))('has a partition table in which sgdisk finds nothing wrong', () => {
    expect(output('sgdisk', '-v', sample).toString()).toContain('No problems found')
    const table = output('sgdisk', '-p', sample).toString()
    expect(table).toMatch(/1 +2048 +67583 +32\.0 MiB +EF00 +EFI system/)
    expect(table).toMatch(/2 +67584 +522239 +222\.0 MiB +8300 +Linux/)
  })

  it.skipIf(!has('fsck.fat'))('has a FAT16 file system that fsck.fat finds clean', () => {
    expect(output('fsck.fat', '-n', efi).toString()).toMatch(/9 files, 569\/16343 clusters/)
  })

  it.skipIf(!has('e2fsck'))('has an ext2 file system that e2fsck finds clean', () => {
    const said = output('e2fsck', '-f', '-n', linux).toString()
    expect(said).toMatch(/platter-sample: 95\/4096 files/)
  })

  it.skipIf(!has('debugfs'))('has files that debugfs copies out as they were put in', () => {
    const cat = (path: string) => output('debugfs', '-R', `cat ${path}`, linux)
    expect(cat('/README').toString()).toMatch(/^This disk image was made by Platter/)
    expect(cat('/data/scattered.bin').equals(noiseBytes(34, 9 * MIB))).toBe(true)
    expect(cat('/data/zeroes.bin').equals(new Uint8Array(8 * MIB))).toBe(true)
    expect(cat('/photos/photo-1.raw').equals(noiseBytes(2500, 900 * 4096 - 1000))).toBe(true)
  })

  it.skipIf(!has('blkid'))('has file systems that blkid names', () => {
    expect(output('blkid', '-p', efi).toString()).toMatch(/LABEL="PLATTER EFI".*TYPE="vfat"/)
    expect(output('blkid', '-p', linux).toString()).toMatch(/LABEL="platter-sample".*TYPE="ext2"/)
  })

  it('holds what deleted files left, and no piece over another', () => {
    const pieces = [...samplePieces()].sort((a, b) => a.offset - b.offset)
    let end = 0
    for (const { offset, bytes } of pieces) {
      expect(offset).toBeGreaterThanOrEqual(end)
      end = offset + bytes.length
    }
    expect(end).toBe(256 * MIB)
    const remains = pieces.find(({ offset }) => offset === (33 + 176) * MIB)?.bytes
    expect(remains).toEqual(proseText(3600, remains?.length ?? 0))
  })
})
