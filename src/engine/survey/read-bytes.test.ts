import { describe, expect, it } from 'vitest'
import { PlatterError } from '../base/errors'
import type { Disk } from '../disk/disk'
import { EXTENT_HOLE, EXTENT_ZERO, ExtentList } from '../disk/extents'
import { MemoryDisk } from '../disk/memory-disk'
import { describeRequest, LogDisk } from '../layers/log'
import { readBytes } from './read-bytes'

const PAGE = 64 * 1024

/** Two pages of ones with a hole between them and behind them; every read is noted. */
async function makeDisk() {
  const memory = new MemoryDisk(4 * PAGE)
  await memory.write(new Uint8Array(PAGE).fill(1), 0)
  await memory.write(new Uint8Array(PAGE).fill(1), 2 * PAGE)
  const log: string[] = []
  const disk = new LogDisk({ disk: memory, onRequest: (r) => log.push(describeRequest(r)) })
  const reads = () => log.filter((line) => line.startsWith('read'))
  return { disk, reads, log }
}

const answering = (disk: LogDisk, extents: LogDisk['extents']): Disk => ({
  size: disk.size,
  blockSize: disk.blockSize,
  capabilities: disk.capabilities,
  read: (target, offset, options) => disk.read(target, offset, options),
  write: (source, offset) => disk.write(source, offset),
  zero: (offset, length) => disk.zero(offset, length),
  trim: (offset, length) => disk.trim(offset, length),
  flush: () => disk.flush(),
  cache: (offset, length) => disk.cache(offset, length),
  close: () => disk.close(),
  extents,
})

describe('reading a few bytes', () => {
  it('leaves alone what is known to be zeroes', async () => {
    const { disk, reads } = await makeDisk()
    expect(await readBytes(disk, PAGE + 5, 1000)).toEqual(new Uint8Array(1000))
    expect(await readBytes(disk, 4 * PAGE - 512, 512)).toEqual(new Uint8Array(512))
    expect(reads()).toEqual([])
  })

  it('reads what is data, around holes', async () => {
    const { disk, reads } = await makeDisk()
    const bytes = await readBytes(disk, PAGE - 10, PAGE + 20)
    const expected = new Uint8Array(PAGE + 20)
    expected.fill(1, 0, 10).fill(1, PAGE + 10)
    expect(bytes).toEqual(expected)
    expect(reads()).toEqual([`read ${PAGE - 10}+10`, `read ${2 * PAGE}+10`])
  })

  it('reads a hole that is not said to be zeroes', async () => {
    const { disk, reads } = await makeDisk()
    const odd = answering(disk, async (at, length) => ExtentList.of(at, length, EXTENT_HOLE))
    expect(await readBytes(odd, 0, 100)).toEqual(new Uint8Array(100).fill(1))
    expect(reads()).toEqual(['read 0+100'])
  })

  it('reads everything where the disk does not tell, or fails to', async () => {
    const { disk, reads } = await makeDisk()
    const failing = answering(disk, async () => {
      throw new PlatterError('IO_ERROR', 'the server answered NBD_EIO')
    })
    expect(await readBytes(failing, 0, 100)).toEqual(new Uint8Array(100).fill(1))
    const lying = answering(disk, async (at) => ExtentList.of(at + 1, 10, EXTENT_ZERO))
    expect(await readBytes(lying, 0, 100)).toEqual(new Uint8Array(100).fill(1))
    const stuck = answering(disk, async (at) => new ExtentList(at))
    expect(await readBytes(stuck, 0, 100)).toEqual(new Uint8Array(100).fill(1))
    expect(reads()).toEqual(['read 0+100', 'read 0+100', 'read 0+100'])
  })

  it('does not ask for every byte of a disk that describes one at a time', async () => {
    const { disk, reads, log } = await makeDisk()
    const slow = answering(disk, async (at) => {
      log.push('extents')
      return ExtentList.of(at, 1, 0)
    })
    expect(await readBytes(slow, 0, 2000)).toEqual(new Uint8Array(2000).fill(1))
    expect(log.filter((line) => line === 'extents').length).toBeLessThan(100)
    expect(reads().at(-1)).toMatch(/^read \d+\+19\d\d$/)
  })

  it('stays in whole blocks, asks for no extents in between, and stays inside', async () => {
    const blockSize = { minimum: 512, preferred: 512, maximum: 1024 }
    const memory = new MemoryDisk(8192, { blockSize })
    const log: string[] = []
    const disk = new LogDisk({ disk: memory, onRequest: (r) => log.push(describeRequest(r)) })
    expect(await readBytes(disk, 700, 1500)).toEqual(new Uint8Array(1500))
    expect(log).toEqual(['read 512+1024', 'read 1536+1024'])
    expect(await readBytes(disk, 8000, 193)).toBeUndefined()
    expect(await readBytes(disk, -1, 1)).toBeUndefined()
  })
})
