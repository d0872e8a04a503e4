import { copyFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../engine/io/system-clock'
import { expectCode, expectSameBytes, readWhole } from '../engine/testing/expect-disk'
import { openLastingOverlay } from './lasting-overlay'
import { openImage } from './locators'
import { createOverlay } from './overlay-actions'
import { withOverlaySpace } from './overlay-files'

const SIZE = 256 * 1024
const options = { clock: systemClock }
const expected = new Uint8Array(SIZE).fill(7).fill(9, 4096, 12_288)
let dir: string
let count = 0
let overlay: string

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'platter-'))
})
afterAll(() => rm(dir, { recursive: true }))

beforeEach(async () => {
  const base = join(dir, `base-${count}.img`)
  overlay = join(dir, `disk-${count++}.overlay`)
  await writeFile(base, new Uint8Array(SIZE).fill(7))
  await createOverlay(overlay, { base, blockSize: 4096 })
  await withOverlaySpace(async (space) => {
    const lasting = await openLastingOverlay(space, overlay, { writable: true })
    await lasting.overlay.write(new Uint8Array(8192).fill(9), 4096)
    await lasting.close()
  })
})

describe('an overlay file as an image', () => {
  it('reads as what is staged over its base, and is not written', async () => {
    const image = await openImage(overlay, options)
    expect(image.info).toMatchObject({ format: 'add-cow', size: SIZE, name: expect.any(String) })
    expectSameBytes(await readWhole(image.disk), expected)
    await expectCode(image.disk.write(new Uint8Array(512), 0), 'READ_ONLY')
    await expectCode(image.openTarget(), 'READ_ONLY')
    await image.close()
  })

  it('is its own bytes when the format is raw', async () => {
    const image = await openImage(overlay, { ...options, format: 'raw' })
    const head = new Uint8Array(7)
    await image.disk.read(head, 0)
    expect(new TextDecoder().decode(head)).toBe('ADD_COW')
    await image.close()
  })

  it('opens none of the files that it names when only its bytes say that it is one', async () => {
    const guest = join(dir, `guest-${count}.img`)
    await copyFile(overlay, guest)
    await expect(openImage(guest, options)).rejects.toMatchObject({
      code: 'FORMAT_UNSUPPORTED',
      message: expect.stringContaining('give the format as add-cow'),
    })
  })

  it('opens under any name when a person gives the format', async () => {
    const renamed = join(dir, `renamed-${count}`)
    await rename(overlay, renamed)
    const image = await openImage(renamed, { ...options, format: 'add-cow' })
    expectSameBytes(await readWhole(image.disk), expected)
    await image.close()
  })

  it('is an image like others when its name is all that says so', async () => {
    const plain = join(dir, `plain-${count}.cow`)
    await writeFile(plain, new Uint8Array(4096).fill(1))
    const image = await openImage(plain, options)
    expect(image.info.format).toBe('raw')
    await image.close()
  })

  it('tells of a base that changed, and shows it all the same', async () => {
    const { base } = { base: join(dir, `base-${count - 1}.img`) }
    await writeFile(base, new Uint8Array(SIZE).fill(8))
    const image = await openImage(overlay, options)
    expect(image.info.notes?.join()).toContain('base')
    await image.close()
  })
})
