import { link, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { expectCode } from '../testing/expect-disk'
import { withTempDir } from '../testing/peer-process'
import { NodeFileSpace } from './file-space'
import { OpenHandles } from './open-handles'

describe('the real file space', () => {
  it('creates sparse files of zeroes, and leaves alone what has the name', () =>
    withTempDir(async (dir) => {
      const handles = new OpenHandles()
      const space = new NodeFileSpace({ handles })
      const path = join(dir, 'a')
      const disk = await space.create(path, 1 << 20)
      expect(disk.path).toBe(path)
      expect((await stat(path)).blocks).toBe(0)
      await disk.write(Uint8Array.of(1, 2), 5)
      await disk.flush()
      await expectCode(space.create(path, 10), 'ALREADY_EXISTS')
      await disk.close()
      expect((await readFile(path)).subarray(4, 8)).toEqual(Buffer.from([0, 1, 2, 0]))
      expect(handles.list()).toEqual([])
    }))

  it('opens with the size of now, and tells a missing file', () =>
    withTempDir(async (dir) => {
      const space = new NodeFileSpace()
      const path = join(dir, 'a')
      await expectCode(space.open(path, { writable: false }), 'NOT_FOUND')
      await writeFile(path, 'four')
      await space.resize(path, 10)
      const disk = await space.open(path, { writable: true })
      expect([disk.size, disk.capabilities.write]).toEqual([10, true])
      await disk.close()
      await space.resize(path, 2)
      expect(await readFile(path, 'utf8')).toBe('fo')
      await expectCode(space.resize(join(dir, 'b'), 1), 'NOT_FOUND')
    }))

  it('renames over what is there, removes, and makes names stable', () =>
    withTempDir(async (dir) => {
      const space = new NodeFileSpace()
      const [a, b] = [join(dir, 'a'), join(dir, 'b')]
      await writeFile(a, 'a')
      await writeFile(b, 'b')
      await space.rename(a, b)
      expect(await readFile(b, 'utf8')).toBe('a')
      await space.syncNames(b)
      await space.remove(b)
      await expectCode(space.remove(b), 'NOT_FOUND')
      await expectCode(space.rename(a, b), 'NOT_FOUND')
      await expectCode(space.syncNames(join(dir, 'no', 'b')), 'NOT_FOUND')
    }))

  it('tells a file by its facts, whatever name leads to it', () =>
    withTempDir(async (dir) => {
      const space = new NodeFileSpace()
      const path = join(dir, 'a')
      expect(await space.facts(path)).toBe(undefined)
      await writeFile(path, 'a')
      await link(path, join(dir, 'hard'))
      await symlink(path, join(dir, 'soft'))
      const facts = await space.facts(path)
      expect(facts?.size).toBe(1)
      expect(await space.facts(join(dir, 'hard'))).toEqual(facts)
      expect(await space.facts(join(dir, 'soft'))).toEqual(facts)
      await expectCode(space.facts(join(path, 'b')), 'NOT_FOUND')
    }))
})
