import { describe, expect, it } from 'vitest'
import type { FileDiskInSpace } from '../disk/file-space'
import { CrashFiles } from './crash-files'
import {
  type CrashState,
  type CrashStatesOptions,
  crashStates,
  describeCounts,
} from './crash-states'
import {
  checkToy,
  runToy,
  TOY_FAULTS,
  type ToyFault,
  ToyJournal,
  type ToyNote,
} from './toy-journal.test-helper'

const text = (bytes: Uint8Array | undefined): string =>
  bytes === undefined ? '-' : Buffer.from(bytes).toString().replaceAll('\0', '.')

/** Runs `work` on one file of eight dots and tells the contents that crashes can leave once it is over. */
async function outcomes(
  work: (disk: FileDiskInSpace, files: CrashFiles) => Promise<unknown>,
  look: (files: CrashFiles) => string = (files) => text(files.bytesOf('/d/a')),
): Promise<string[]> {
  const files = CrashFiles.of({ '/d/a': new Uint8Array(8) })
  const disk = await files.open('/d/a', { writable: true })
  await work(disk, files)
  files.mark('over')
  return collect(files, look)
}

function collect(files: CrashFiles, look: (files: CrashFiles) => string): string[] {
  const found = new Set<string>()
  for (const state of crashStates(files, { seed: 1 })) {
    if (state.marks.length > 0) found.add(look(state.space()))
  }
  return [...found].sort()
}

const put = (disk: FileDiskInSpace, at: number, what: string, fua = false) =>
  disk.write(Buffer.from(what), at, { fua })

describe('what a crash can leave of bytes', () => {
  it('is any subset of the writes that no flush covered', async () => {
    const left = await outcomes(async (disk) => {
      await put(disk, 0, 'a')
      await put(disk, 1, 'b')
      await put(disk, 2, 'c')
    })
    expect(left.map((one) => one.slice(0, 3))).toEqual([
      '...',
      '..c',
      '.b.',
      '.bc',
      'a..',
      'a.c',
      'ab.',
      'abc',
    ])
  })

  it('has every write that a flush covered', async () => {
    const left = await outcomes(async (disk) => {
      await put(disk, 0, 'a')
      await put(disk, 1, 'b')
      await disk.flush()
      await put(disk, 2, 'c')
    })
    expect(left).toEqual(['ab......', 'abc.....'])
  })

  it('may lack a write that had not ended when the flush began', async () => {
    const left = await outcomes((disk) => Promise.all([put(disk, 0, 'a'), disk.flush()]))
    expect(left).toEqual(['........', 'a.......'])
  })

  it('has a write with FUA, and does not have what came before it because of that', async () => {
    const left = await outcomes(async (disk) => {
      await put(disk, 0, 'a')
      await put(disk, 1, 'b', true)
    })
    expect(left).toEqual(['.b......', 'ab......'])
  })

  it('never has an older write over a newer one that is there', async () => {
    const left = await outcomes(async (disk) => {
      await put(disk, 0, 'aa')
      await put(disk, 0, 'bb', true)
      await put(disk, 0, 'c')
    })
    expect(left).toEqual(['bb......', 'cb......'])
  })

  it('has zeroes as it has writes', async () => {
    const left = await outcomes(async (disk) => {
      await put(disk, 0, 'abc')
      await disk.flush()
      await disk.zero(1, 1)
    })
    expect(left).toEqual(['a.c.....', 'abc.....'])
  })

  it('does not cover the writes of another file', async () => {
    const look = (files: CrashFiles) =>
      `${text(files.bytesOf('/d/a'))} ${text(files.bytesOf('/d/b'))}`
    const files = CrashFiles.of({ '/d/a': new Uint8Array(1), '/d/b': new Uint8Array(1) })
    const [a, b] = [
      await files.open('/d/a', { writable: true }),
      await files.open('/d/b', { writable: true }),
    ]
    await put(a, 0, 'a')
    await put(b, 0, 'b')
    await a.flush()
    files.mark('over')
    expect(collect(files, look)).toEqual(['a .', 'a b'])
  })

  it('is a part of a write only in whole sectors', async () => {
    const files = CrashFiles.of({ '/d/a': new Uint8Array(2048) })
    const disk = await files.open('/d/a', { writable: true })
    await disk.write(new Uint8Array(1024).fill(1), 256)
    files.mark('over')
    const pieces = collect(files, (space) => {
      const bytes = space.bytesOf('/d/a') as Uint8Array
      const parts = [
        bytes.subarray(256, 512),
        bytes.subarray(512, 1024),
        bytes.subarray(1024, 1280),
      ]
      expect(parts.every((part) => new Set(part).size === 1)).toBe(true)
      return parts.map((part) => part[0]).join('')
    })
    expect(pieces).toEqual(expect.arrayContaining(['000', '111']))
    expect(pieces.length).toBeGreaterThan(2)
  })
})

describe('what a crash can leave of names and sizes', () => {
  const names = (files: CrashFiles) =>
    files
      .paths()
      .map((path) => `${path}=${text(files.bytesOf(path))}`)
      .join(' ')

  it('is a rename that happened, or did not, with both files whole', async () => {
    const work = async (disk: FileDiskInSpace, files: CrashFiles) => {
      const fresh = await files.create('/d/b', 2)
      await put(fresh, 0, 'nn')
      await fresh.flush()
      await put(disk, 0, 'oooooooo', true)
      await files.syncNames('/d/b')
      await files.rename('/d/b', '/d/a')
    }
    expect(await outcomes(work, names)).toEqual(['/d/a=nn', '/d/a=oooooooo /d/b=nn'])
    const synced = await outcomes(async (disk, files) => {
      await work(disk, files)
      await files.syncNames('/d/a')
    }, names)
    expect(synced).toEqual(['/d/a=nn'])
  })

  it('is a new file, none, or one without its bytes or its size', async () => {
    const left = await outcomes(async (_disk, files) => {
      await files.remove('/d/a')
      await files.syncNames('/d/a')
      await put(await files.create('/d/b', 2), 0, 'n')
    }, names)
    expect(left).toEqual(['', '/d/b=', '/d/b=..', '/d/b=n.'])
  })

  it('is a removed file that is there again', async () => {
    expect(await outcomes((_disk, files) => files.remove('/d/a'), names)).toEqual([
      '',
      '/d/a=........',
    ])
  })

  it('is not decided by the names of another directory', async () => {
    const left = await outcomes(async (_disk, files) => {
      await files.remove('/d/a')
      await files.syncNames('/other/a')
    }, names)
    expect(left).toHaveLength(2)
  })

  it('is the old size or the new one until a flush', async () => {
    const shrink = async (_disk: FileDiskInSpace, files: CrashFiles) => files.resize('/d/a', 3)
    expect(await outcomes(shrink)).toEqual(['...', '........'])
    const flushed = await outcomes(async (disk, files) => {
      await shrink(disk, files)
      await disk.flush()
    })
    expect(flushed).toEqual(['...'])
  })
})

describe('the moments of a crash', () => {
  it('come with what had been marked before them', async () => {
    const files = CrashFiles.of({ '/d/a': new Uint8Array(1) })
    const disk = await files.open('/d/a', { writable: true })
    await put(disk, 0, 'a')
    await disk.flush()
    files.mark('first')
    await put(disk, 0, 'b')
    files.mark('second')
    const seen = new Set<string>()
    for (const { marks, space } of crashStates(files, { seed: 1 })) {
      seen.add(`${marks.join('+')}:${text(space().bytesOf('/d/a'))}`)
    }
    expect([...seen].sort()).toEqual([':.', ':a', 'first+second:a', 'first+second:b', 'first:a'])
  })

  it('are all there, with all subsets, when there are few operations, and are counted', async () => {
    const files = CrashFiles.of({ '/d/a': new Uint8Array(10) })
    const disk = await files.open('/d/a', { writable: true })
    for (let at = 0; at < 10; at++) await put(disk, at, 'x')
    const states = crashStates(files, { seed: 1, most: 100_000 })
    // 1024 subsets, and once after each of the ten writes all of it with the time from before.
    expect([...states]).toHaveLength(1034)
    expect(states.counts).toEqual({
      moments: 11,
      exhaustive: 11,
      prefixes: 11,
      subsets: 1023,
      torn: 0,
    })
    expect(describeCounts(states.counts)).toBe(
      '11 moments (11 with every subset): 11 prefixes, 1023 subsets, 0 torn',
    )
  })

  it('are sampled when there are many operations: none, each alone, each missing, and some', async () => {
    const files = CrashFiles.of({ '/d/a': new Uint8Array(30) })
    const disk = await files.open('/d/a', { writable: true })
    await Promise.all(Array.from({ length: 30 }, (_, at) => put(disk, at, 'x')))
    files.mark('over')
    const count = (state: CrashState) =>
      text(state.space().bytesOf('/d/a')).replaceAll('.', '').length
    const at = (options: CrashStatesOptions) =>
      [...crashStates(files, options)].filter(({ marks }) => marks.length > 0).map(count)
    const counts = at({ seed: 1, most: 10_000 })
    for (const [size, times] of [
      [0, 1],
      [1, 30],
      [29, 30],
      [30, 1],
    ]) {
      expect(counts.filter((one) => one === size).length).toBeGreaterThanOrEqual(times as number)
    }
    expect(counts.length).toBeLessThanOrEqual(10_000)
    expect(at({ seed: 1, most: 1000 })).toEqual(at({ seed: 1, most: 1000 }))
    expect(at({ seed: 2, most: 1000 })).not.toEqual(at({ seed: 1, most: 1000 }))
  })

  it('leave the time of the last change behind until a flush that covers it', async () => {
    const files = CrashFiles.of({ '/d/a': new Uint8Array(2) })
    const times = async () => {
      const seen = new Set<string>()
      for (const { marks, space } of crashStates(files, { seed: 1 })) {
        const facts = await space().facts('/d/a')
        if (marks.length > 0) seen.add(`${facts?.modifiedNs}`)
      }
      return [...seen].sort()
    }
    const plain = await files.open('/d/a', { writable: true })
    await put(plain, 0, 'a')
    await plain.flush()
    files.mark('flushed')
    expect(await times()).toEqual(['1', '2'])
    const timed = await files.open('/d/a', { writable: true, syncsTimes: true })
    await timed.flush()
    files.log.marks.length = 0
    files.mark('timed')
    expect(await times()).toEqual(['2'])
  })

  it('can be crashed again', async () => {
    const files = CrashFiles.of({ '/d/a': new Uint8Array(2) })
    await put(await files.open('/d/a', { writable: true }), 0, 'a')
    const ends = new Set<string>()
    for (const state of crashStates(files, { seed: 1 })) {
      const again = state.space()
      await put(await again.open('/d/a', { writable: true }), 1, 'b')
      for (const second of crashStates(again, { seed: 1 })) {
        ends.add(text(second.space().bytesOf('/d/a')))
      }
    }
    expect([...ends].sort()).toEqual(['..', '.b', 'a.', 'ab'])
  })

  it('say what was there and what was not', async () => {
    const files = CrashFiles.of({ '/d/a': new Uint8Array(2) })
    const disk = await files.open('/d/a', { writable: true })
    await put(disk, 0, 'a')
    await put(disk, 1, 'b')
    const said = [...crashStates(files, { seed: 1 })].map((state) => state.describe())
    expect(said).toContainEqual(
      expect.stringMatching(
        /^crash at moment 4 \(subset\)\n {2}missing .*write 1 bytes at 0 of file 1\n {2}there .*at 1 of file 1$/,
      ),
    )
  })
})

describe('crash states of a toy journal', () => {
  async function tryToy(fault: ToyFault | undefined, seed: number): Promise<string[]> {
    const made = new CrashFiles()
    await ToyJournal.create(made, fault)
    const files = CrashFiles.of({
      '/d/data': made.bytesOf('/d/data') as Uint8Array,
      '/d/head': made.bytesOf('/d/head') as Uint8Array,
    })
    const journal = await ToyJournal.open(files, fault)
    await runToy(journal, 20, seed, (note) => files.mark(note))
    await journal.close()
    expect(files.openDisks).toBe(0)
    const faults: string[] = []
    const states = crashStates(files, { seed, most: 3000 })
    for (const state of states) {
      const space = state.space()
      await checkToy(space, state.marks as ToyNote[], fault).catch((error: Error) => {
        faults.push(`${error.message}\n${state.describe()}`)
      })
      expect(space.openDisks).toBe(0)
    }
    process.stdout.write(
      `toy (${fault ?? 'right'}, seed ${seed}): ${describeCounts(states.counts)}\n`,
    )
    return faults
  }

  it.each([1, 2, 3])('find nothing in the right one (seed %i)', async (seed) => {
    expect(await tryToy(undefined, seed)).toEqual([])
  })

  it.each(TOY_FAULTS)('find the fault: %s', async (fault) => {
    for (const seed of [1, 2, 3]) expect((await tryToy(fault, seed)).length).toBeGreaterThan(0)
  })

  it('find each fault where it is', async () => {
    const [torn] = await tryToy('torn header', 1)
    expect(torn).toMatch(/\(torn \d+\)[\s\S]*there .*write 1024 bytes at 0 of file \d/)
    const [renamed] = await tryToy('rename without syncing the file', 1)
    expect(renamed).toMatch(/there .*rename \/d\/head\.new to \/d\/head/)
    expect(renamed).toMatch(/missing .*of file \d/)
  })
})
