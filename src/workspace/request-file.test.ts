import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ManualClock } from '../engine/base/clock'
import type { RequestHeader } from '../engine/nbd/request-parser'
import { RequestFile } from './request-file'

const READ: RequestHeader = {
  command: 0,
  flags: 0,
  cookieHigh: 0,
  cookieLow: 0,
  offset: 0,
  length: 512,
  offsetHigh: 0,
  offsetLow: 0,
  payloadLength: 0,
}

let dir = ''
let clock: ManualClock
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'platter-log-'))
  clock = new ManualClock()
})
afterEach(() => rm(dir, { recursive: true, force: true }))

const openLog = (path: string, onFailure = vi.fn()) => RequestFile.open({ path, clock, onFailure })
const add = (file: RequestFile, count: number) => {
  for (let i = 0; i < count; i++) file.log.add(1, { ...READ, offset: i }, 0, 0, 0.5)
}
const offsetsOf = (text: string) =>
  [...text.matchAll(/ offset=(\d+) /g)].map((match) => Number(match[1]))

describe('a log of requests in a file', () => {
  it('has every request once, in order, however many come at a time', async () => {
    const path = join(dir, 'log')
    const file = await openLog(path)
    add(file, 3)
    clock.advance(100)
    add(file, 20_000)
    await file.close()
    const offsets = offsetsOf(await readFile(path, 'utf8'))
    expect(offsets).toEqual([0, 1, 2, ...Array.from({ length: 20_000 }, (_, i) => i)])
  })

  it('is continued, not begun anew', async () => {
    const path = join(dir, 'log')
    await writeFile(path, 'what was there\n')
    const file = await openLog(path)
    add(file, 1)
    await file.close()
    expect(await readFile(path, 'utf8')).toMatch(
      /^what was there\n\d{4}-\S+Z client=1 command=READ offset=0 length=512 flags=- result=ok ms=0.500\n$/,
    )
  })

  it('that cannot be opened is refused with its path', async () => {
    const path = join(dir, 'no', 'where')
    await expect(openLog(path)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining(path),
    })
  })

  it.runIf(existsSync('/dev/full'))('that is full is told of once, and takes no more', async () => {
    const onFailure = vi.fn()
    const file = await openLog('/dev/full', onFailure)
    add(file, 1)
    clock.advance(100)
    await vi.waitFor(() => expect(onFailure).toHaveBeenCalled())
    add(file, 10_000)
    clock.advance(100)
    await file.close()
    expect(onFailure).toHaveBeenCalledTimes(1)
    expect(onFailure).toHaveBeenCalledWith(expect.objectContaining({ code: 'NO_SPACE' }))
  })
})
