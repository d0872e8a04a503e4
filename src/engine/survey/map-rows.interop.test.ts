import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { Prng } from '../base/prng'
import type { Extent } from '../disk/extents'
import { formatMapJson, formatMapText, formatTotalsJson, formatTotalsText } from './map-rows'

const missing = ['nbdkit', 'nbdinfo'].filter((tool) => {
  try {
    execFileSync(tool, ['--version'], { stdio: 'ignore' })
    return false
  } catch {
    return true
  }
})

/** What nbdinfo prints about a disk that nbdkit makes: its text and JSON, of the map and of the totals. */
function nbdinfoOf(...server: string[]) {
  const forms = ['', '--json', '--totals', '--totals --json']
  const script = forms.map((form) => `nbdinfo --map ${form} "$uri"`).join('; printf "\\f"; ')
  const args = ['-U', '-', ...server, '--run', script]
  const [text, json, totals, totalsJson] = execFileSync('nbdkit', args, {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  }).split('\f')
  return { text, json, totals, totalsJson }
}

interface Row {
  readonly offset: number
  readonly length: number
  readonly type: number
}

const ourselves = (extents: readonly Extent[]) => ({
  text: formatMapText(extents),
  json: formatMapJson(extents),
  totals: formatTotalsText(extents),
  totalsJson: formatTotalsJson(extents),
})

const needs = missing.length === 0 ? '' : ` (missing: ${missing.join(', ')})`

/** Random data here and there; the prime sizes make percentages of all kinds. */
function randomDisk(seed: number): string[] {
  const prng = new Prng(seed)
  const size = 2 ** (20 + prng.below(18)) + prng.below(1_000_003)
  const places = Array.from({ length: 20 }, () => `@${prng.below(size - 1)} "x"`)
  return ['data', places.join(' '), `size=${size}`]
}

describe.skipIf(missing.length > 0)(`the map of the real nbdinfo${needs}`, () => {
  it.each<[string, ...string[]]>([
    ['a few bytes of data', 'data', '@32768 "x" @100000 "y"', 'size=1M'],
    ['a disk of nothing', 'memory', 'size=0'],
    ['a disk without extents', 'pattern', 'size=1000003'],
    ['one byte in a tebibyte', 'data', '@1000000000 "x"', 'size=1T'],
    [
      'hundreds of extents',
      'sparse-random',
      'size=1G',
      'percent=10',
      'seed=1',
      'runlength=1048576',
    ],
    [
      'all four types',
      'eval',
      'get_size=echo 51456',
      'can_extents=exit 0',
      'extents=echo $4 512 $(( ($4/512)%4 ))',
      'pread=exit 1',
    ],
    ...[1, 2, 3, 4, 5, 6].map(
      (seed) => [`random data (seed ${seed})`, ...randomDisk(seed)] as [string, ...string[]],
    ),
  ])('is printed to the byte alike for %s', (_, ...server) => {
    const theirs = nbdinfoOf(...server)
    const rows = JSON.parse(theirs.json ?? '') as Row[]
    const extents = rows.map(({ offset, length, type }) => ({ offset, length, flags: type }))
    expect(ourselves(extents)).toEqual(theirs)
  })
})
