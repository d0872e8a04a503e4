import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, open, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { expectCode } from '../engine/testing/expect-disk'
import {
  createSampleImage,
  ensureSampleImage,
  SAMPLE_SIZE,
  sampleImagePath,
  samplePieces,
} from './sample-image'

// Each image takes a second to make, and more on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

let dir = ''
beforeAll(async () => {
  // In memory where there is such a place: hundreds of megabytes are written and deleted.
  const parent = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
  dir = await mkdtemp(join(parent, 'platter-sample-'))
})
afterAll(() => rm(dir, { recursive: true }))

describe('the sample image', () => {
  it('is the same bytes everywhere: another content needs another SAMPLE_VERSION', () => {
    const hash = createHash('sha256')
    for (const { offset, bytes } of samplePieces()) hash.update(`${offset} `).update(bytes)
    expect(hash.digest('hex')).toBe(
      '75bcd822fbb5264710ed2a9cc25efbdd6a7ee93dcaba60ccfae31f34fd814905',
    )
  })

  it('is made whole or not at all', async () => {
    const own = join(dir, 'own')
    await mkdir(own)
    // A directory of that name cannot be replaced by a file.
    await mkdir(join(own, 'sample.img', 'in-the-way'), { recursive: true })
    await expect(createSampleImage(join(own, 'sample.img'))).rejects.toThrow(
      /^.*sample\.img: cannot make the sample image: /,
    )
    expect(await readdir(own)).toEqual(['sample.img'])
  })

  it('says so when its directory cannot be made', async () => {
    const file = join(dir, 'a-file')
    await writeFile(file, '')
    await expectCode(createSampleImage(join(file, 'sub', 'sample.img')), 'NOT_FOUND')
  })

  it('is made once, kept with what was committed to it, and made again when it is cut short', async () => {
    const path = join(dir, 'cache', 'platter', 'sample.img')
    expect(await ensureSampleImage(path)).toBe(path)
    const file = await open(path, 'r+')
    await file.write('mine', 0)
    await file.close()
    const before = await stat(path)
    await ensureSampleImage(path)
    expect((await stat(path)).ino).toBe(before.ino)
    await truncate(path, 5)
    await ensureSampleImage(path)
    await expectPartitionTables(path)
  })
})

/** Both headers of the table are where they belong, with checksums that fit. */
async function expectPartitionTables(path: string): Promise<void> {
  const file = await open(path)
  expect((await file.stat()).size).toBe(SAMPLE_SIZE)
  for (const index of [1, SAMPLE_SIZE / 512 - 1]) {
    const header = new Uint8Array(92)
    await file.read(header, 0, 92, index * 512)
    expect(new TextDecoder().decode(header.subarray(0, 8))).toBe('EFI PART')
    const view = new DataView(header.buffer)
    const stored = view.getUint32(16, true)
    view.setUint32(16, 0, true)
    expect(crc32(header)).toBe(stored)
    expect(Number(view.getBigUint64(24, true))).toBe(index)
  }
  await file.close()
}

describe('where the sample image lies', () => {
  it('follows the platform', () => {
    const at = (env: NodeJS.ProcessEnv, platform: NodeJS.Platform) => sampleImagePath(env, platform)
    const home = { HOME: '/home/anna' }
    expect(at(home, 'linux')).toMatch(/^\/home\/anna\/\.cache\/platter\/sample-\d+\.img$/)
    expect(at({ ...home, XDG_CACHE_HOME: '/fast' }, 'linux')).toMatch(/^\/fast\/platter\/sample-/)
    expect(at({ ...home, XDG_CACHE_HOME: 'here' }, 'linux')).toMatch(/^\/home\/anna\/\.cache\//)
    expect(at(home, 'darwin')).toMatch(/^\/home\/anna\/Library\/Caches\/platter\/sample-/)
    expect(at({ LOCALAPPDATA: 'C:\\Local' }, 'win32')).toMatch(/^C:\\Local.platter.sample-/)
  })
})
