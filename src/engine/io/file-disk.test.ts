import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { Prng } from '../base/prng'
import { describeDiskContract } from '../testing/disk-contract'
import { openFileDisk } from './file-disk'
import { HoleWorker } from './hole-worker'
import { OpenHandles } from './open-handles'

let dir = ''
const handles = new OpenHandles()
const holes = new HoleWorker({ handles })

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'platter-test-'))
})
afterAll(async () => {
  await holes.close()
  expect(handles.list()).toEqual([])
  await rm(dir, { recursive: true })
})

let count = 0
async function makeFile(content: Uint8Array): Promise<string> {
  const path = join(dir, `disk-${count++}.img`)
  await writeFile(path, content)
  return path
}

describeDiskContract(
  'a writable file',
  async () => {
    const content = new Prng(1).fill(new Uint8Array(300_000))
    const path = await makeFile(content)
    return { disk: await openFileDisk(path, { writable: true, holes, handles }), content }
  },
  {},
)

describeDiskContract(
  'a read-only file',
  async () => {
    const content = new Prng(2).fill(new Uint8Array(100_001))
    const path = await makeFile(content)
    return { disk: await openFileDisk(path, { holes, handles }), content }
  },
  { lacks: ['write', 'zero', 'trim', 'fastZero', 'fua'] },
)
