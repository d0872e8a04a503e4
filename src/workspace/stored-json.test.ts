import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { StoredJson } from './stored-json'

const SCHEMA = z.object({ size: z.number() })
const FALLBACK = { size: 1 }

let dir = ''
let path = ''
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'platter-json-'))
  path = join(dir, 'deep', 'down', 'file.json')
})
afterEach(() => rm(dir, { recursive: true }))

const load = () => StoredJson.load(path, SCHEMA, FALLBACK)

describe('a stored value', () => {
  it('is there again the next time', async () => {
    const first = await load()
    expect(first.value).toEqual(FALLBACK)
    await first.set({ size: 7 })
    expect((await load()).value).toEqual({ size: 7 })
  })

  it('is the last of those that were set at once, in a whole file, with nothing beside it', async () => {
    const stored = await load()
    await Promise.all([1, 2, 3, 4, 5].map((size) => stored.set({ size })))
    expect(JSON.parse(await readFile(path, 'utf8'))).toEqual({ size: 5 })
    expect(await readdir(join(dir, 'deep', 'down'))).toEqual(['file.json'])
  })

  it.each(['', 'not json', '{"size":"large"}', '[]', '{"size":1'])(
    'is the fallback where the file holds %j',
    async (text) => {
      await mkdir(join(dir, 'deep', 'down'), { recursive: true })
      await writeFile(path, text)
      expect((await load()).value).toEqual(FALLBACK)
    },
  )

  it('is used, and said to be unsaved, where the file system refuses', async () => {
    await writeFile(join(dir, 'deep'), 'a file where a directory should be')
    const stored = await load()
    await expect(stored.set({ size: 9 })).rejects.toMatchObject({
      code: expect.any(String),
      message: expect.stringMatching(/file\.json: cannot be saved: /),
    })
    expect(stored.value).toEqual({ size: 9 })
    await rm(join(dir, 'deep'))
    await stored.set({ size: 10 })
    expect((await load()).value).toEqual({ size: 10 })
  })
})
