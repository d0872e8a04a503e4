import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { HoleWorker } from '../io/hole-worker'
import { killAtRandom } from './kill-harness'
import { withTempDir } from './peer-process'
import { checkToy, type ToyFault, ToyJournal, type ToyNote } from './toy-journal.test-helper'
import program from './toy-kill.test-helper?nodeProgram'
import { toySpace } from './toy-space.test-helper'

const noteOf = (line: string): ToyNote => {
  const [phase, slot, value] = line.split(' ')
  return { phase: phase as ToyNote['phase'], slot: Number(slot), value: Number(value) }
}

let holes: HoleWorker
beforeEach(() => {
  holes = new HoleWorker()
})
afterEach(() => holes.close())

const killToy = (dir: string, kills: number, fault?: ToyFault) =>
  killAtRandom<string>({
    program,
    kills,
    seed: 5,
    prepare: async (run) => {
      const directory = join(dir, String(run))
      await mkdir(directory)
      await ToyJournal.create(toySpace(directory, holes), fault)
      const seed = String(run + 1)
      return { args: [directory, seed, ...(fault === undefined ? [] : [fault])], state: directory }
    },
    check: (directory, lines) => checkToy(toySpace(directory, holes), lines.map(noteOf), fault),
  })

describe('kills at random instants', () => {
  it('find nothing in a journal that is right', () =>
    withTempDir(async (dir) => {
      const counts = await killToy(dir, 15)
      expect(counts.kills).toBe(15)
      expect(counts.lines).toBeGreaterThan(100)
    }))

  it('find a mark that is made before its data', () =>
    withTempDir(async (dir) => {
      await expect(killToy(dir, 100, 'bitmap before data')).rejects.toThrow(
        /run \d+ .*killed after \d+ lines: toy journal: slot \d/,
      )
    }))

  it('fail when the program does', () =>
    withTempDir(async (dir) => {
      const missing = { args: [join(dir, 'none'), '1'], state: '' }
      const test = { program, kills: 1, seed: 1, check: async () => undefined }
      await expect(killAtRandom({ ...test, prepare: async () => missing })).rejects.toThrow(
        /ended with 1: .*there is no such file/s,
      )
    }))
})
