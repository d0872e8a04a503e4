import { describe, expect, test } from 'vitest'
import type { Params, RequestName, StreamName, Streams } from './contract'
import {
  MAX_BYTES_PER_REQUEST,
  MAX_CELLS_PER_FRAME,
  MAX_RANGES_PER_REQUEST,
  MAX_ROWS_PER_REQUEST,
} from './contract'
import { validateParams } from './validators'

const SESSION = { session: 's1' }
const RANGE = { offset: 4096, length: 512 }

/** For each request and stream parameters with every field; the compiler wants all of them here. */
const FULL: { [N in RequestName]: Required<Params<N>> } & {
  [S in StreamName]: Streams[S]['params']
} = {
  'host.hello': {},
  'settings.set': { settings: { theme: 'dark', blockSize: 65536, bytesPerRow: 32 } },
  'dialog.openImage': {},
  'dialog.saveFile': { title: 'Save disk.img as', path: '/srv/images/copy.img' },
  'files.list': { path: '/srv/images' },
  'nbd.list': { uri: 'nbd://localhost' },
  'session.open': { locator: 'disk.img', format: 'raw', blockSize: 4096, acceptBase: true },
  'session.close': { ...SESSION, discard: true },
  'session.info': SESSION,
  'map.detail': { ...SESSION, ...RANGE },
  'map.extents': { ...SESSION, first: 0, count: 100 },
  'map.extentAt': { ...SESSION, offset: 7 },
  'map.next': { ...SESSION, offset: 7, what: 'staged', backwards: false },
  'bytes.read': { ...SESSION, ...RANGE },
  'stage.write': { ...SESSION, offset: 7 },
  'stage.zero': { ...SESSION, ...RANGE },
  'stage.list': { ...SESSION, first: 0, count: 100 },
  'stage.preview': { ...SESSION, ...RANGE },
  'stage.discard': { ...SESSION, ranges: [RANGE] },
  'commit.review': { ...SESSION, ranges: [RANGE] },
  'commit.start': {
    ...SESSION,
    ranges: [RANGE],
    verify: true,
    undo: { path: '/srv/images/disk.undo' },
  },
  'undo.review': SESSION,
  'undo.start': SESSION,
  'recover.finish': { ...SESSION, verify: true },
  'recover.undo': SESSION,
  'save.start': { ...SESSION, path: '/srv/images/copy.img', replace: true },
  'compare.start': { ...SESSION, locator: '/srv/images/other.img' },
  'compare.rows': { job: 'j1', first: 0, count: 100 },
  'overlay.keep': { ...SESSION, path: '/srv/images/disk.overlay' },
  'overlay.save': SESSION,
  'checkpoint.make': { ...SESSION, name: 'before the update' },
  'checkpoint.back': SESSION,
  'checkpoint.merge': SESSION,
  'job.cancel': { job: 'j1' },
  'export.start': {
    ...SESSION,
    transport: { kind: 'unix', path: '/run/disk.sock' },
    name: '',
    description: 'the web server',
    readOnly: true,
    tls: { mode: 'required', certificates: '/etc/pki', pskFile: '/etc/psk', verifyPeer: true },
  },
  'export.stop': { export: 'e1' },
  'export.disconnect': { export: 'e1', client: 3 },
  'export.clearLog': { export: 'e1' },
  'activity.history': SESSION,
  'export.requests': { export: 'e1' },
  'map.cells': { ...SESSION, cellBytes: 4096, firstCell: 0, cellCount: 1000 },
}

type Name = keyof typeof FULL
const NAMES = Object.keys(FULL) as Name[]
const bytesOf = (name: Name) => (name === 'stage.write' ? new Uint8Array(1) : undefined)
const check = (name: Name, params: unknown) => validateParams(name, params, bytesOf(name))
const refusal = (name: Name, params: unknown): string => {
  try {
    check(name, params)
  } catch (error) {
    expect(error).toMatchObject({ code: 'BAD_REQUEST' })
    return (error as Error).message
  }
  throw new Error(`${name} took ${JSON.stringify(params)}`)
}

type Path = readonly (string | number)[]

/** The paths of all fields below `value`, objects and lists included. */
function pathsOf(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path]
  const below = Object.entries(value).flatMap(([key, field]) =>
    pathsOf(field, [...path, Array.isArray(value) ? Number(key) : key]),
  )
  return path.length === 0 ? below : [path, ...below]
}

/** A copy of `value` with the field at `path` changed. */
function changed(value: unknown, path: Path, field: (old: unknown) => unknown): unknown {
  const [key, ...rest] = path
  if (key === undefined) return field(value)
  const copy: Record<string | number, unknown> = Array.isArray(value)
    ? (value.slice() as never)
    : { ...(value as object) }
  copy[key] = changed(copy[key], rest, field)
  return copy
}

const textOf = (path: Path) =>
  path.reduce<string>(
    (text, key) =>
      typeof key === 'number' ? `${text}[${key}]` : text === '' ? key : `${text}.${key}`,
    '',
  )

/** Values of the wrong kind for what stands in a field. */
function wrongFor(value: unknown): unknown[] {
  const common = [null, () => {}, Symbol('s'), 1n]
  switch (typeof value) {
    case 'string':
      return [...common, 1, true, {}, ['a'], 'nul \0 inside', 'x'.repeat(20_000)]
    case 'number':
      return [...common, '1', true, {}, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]
    case 'boolean':
      return [...common, 'true', 1, {}]
    default:
      return Array.isArray(value)
        ? [...common, 1, 'a', {}, [1]]
        : [...common, 1, 'a', [], { ...(value as object), more: 1 }]
  }
}

describe.each(NAMES)('%s', (name) => {
  const full = FULL[name]

  test('takes what the contract says', () => {
    expect(check(name, full)).toEqual(full)
  })

  test('refuses parameters that are no object, and fields that are not known', () => {
    for (const wrong of [undefined, null, 1, 'x', [], true]) {
      expect(refusal(name, wrong)).toMatch(`${name}: the parameter object is`)
    }
    expect(refusal(name, { ...full, colour: 1 })).toContain(
      'has a field that is not known: "colour"',
    )
    // As JSON.parse makes it: a field of that name, not a prototype.
    const sneaky = Object.defineProperty({ ...full }, '__proto__', { value: {}, enumerable: true })
    expect(refusal(name, sneaky)).toContain('__proto__')
  })

  test('refuses a wrong value of every kind in every field, and names the field', () => {
    for (const path of pathsOf(full)) {
      const old = path.reduce<unknown>((v, key) => (v as Record<string, unknown>)[key], full)
      for (const wrong of wrongFor(old)) {
        const message = refusal(
          name,
          changed(full, path, () => wrong),
        )
        expect(message.startsWith(`${name}: ${textOf(path)}`)).toBe(true)
        expect(message.length).toBeLessThan(200)
        expect(message).not.toContain('\n')
      }
    }
  })
})

describe('limits', () => {
  const large = Number.MAX_SAFE_INTEGER

  test.each([
    ['map.extents', 'count', MAX_ROWS_PER_REQUEST],
    ['stage.list', 'count', MAX_ROWS_PER_REQUEST],
    ['bytes.read', 'length', MAX_BYTES_PER_REQUEST],
    ['map.cells', 'cellCount', MAX_CELLS_PER_FRAME],
  ] as const)('%s takes %s up to %d and no more', (name, field, most) => {
    expect(check(name, { ...FULL[name], [field]: most })).toBeTruthy()
    expect(refusal(name, { ...FULL[name], [field]: most + 1 })).toBe(
      `${name}: ${field} is ${most + 1}, above the largest allowed ${most}`,
    )
  })

  test.each(['stage.discard', 'commit.review', 'commit.start'] as const)(
    '%s takes so many ranges and no more',
    (name) => {
      const ranges = Array(MAX_RANGES_PER_REQUEST).fill(RANGE)
      expect(check(name, { ...FULL[name], ranges })).toBeTruthy()
      expect(refusal(name, { ...FULL[name], ranges: [...ranges, RANGE] })).toContain(
        'ranges is a list',
      )
    },
  )

  test('a range that ends at 2^53-1 is the last', () => {
    expect(check('stage.zero', { ...SESSION, offset: large - 1, length: 1 })).toBeTruthy()
    expect(refusal('stage.zero', { ...SESSION, offset: large, length: 1 })).toBe(
      'stage.zero: the parameter object ends above the largest supported offset 2^53-1',
    )
    expect(
      refusal('stage.discard', { ...SESSION, ranges: [RANGE, { offset: large, length: 2 }] }),
    ).toBe('stage.discard: ranges[1] ends above the largest supported offset 2^53-1')
  })

  test('cells are powers of two from 512 on, and start where an offset can be', () => {
    const view = FULL['map.cells']
    for (const cellBytes of [512, 2 ** 31, 2 ** 32, 2 ** 40]) {
      expect(check('map.cells', { ...view, cellBytes })).toBeTruthy()
    }
    expect(refusal('map.cells', { ...view, cellBytes: 256 })).toContain(
      'below the smallest allowed 512',
    )
    expect(refusal('map.cells', { ...view, cellBytes: 4097 })).toContain(
      'cellBytes is 4097, not a power of two',
    )
    expect(refusal('map.cells', { ...view, cellBytes: 2 ** 32, firstCell: 2 ** 21 })).toContain(
      'starts above',
    )
  })

  test('block sizes are powers of two from 4 KiB to 2 MiB', () => {
    for (const blockSize of [4096, 65536, 2 ** 21]) {
      expect(check('session.open', { locator: 'd', blockSize })).toBeTruthy()
    }
    for (const blockSize of [2048, 2 ** 22, 65536 + 1]) {
      expect(refusal('session.open', { locator: 'd', blockSize })).toContain(
        `blockSize is ${blockSize}`,
      )
    }
  })

  test('ports are 16 bits', () => {
    const start = (port: number) => ({ ...SESSION, transport: { kind: 'tcp', port } })
    expect(check('export.start', start(65535))).toBeTruthy()
    expect(refusal('export.start', start(65536))).toContain('transport.port is 65536')
    expect(refusal('export.start', { ...SESSION, transport: { kind: 'udp' } })).toContain(
      'transport',
    )
  })

  test('a text has whole characters, and no NUL', () => {
    const start = (name: string) => ({ ...SESSION, transport: { kind: 'tcp' }, name })
    expect(check('export.start', start('\u{1f600}'))).toBeTruthy()
    expect(refusal('export.start', start('\ud83d'))).toContain('half a character')
    expect(refusal('export.start', start('a\0b'))).toContain('NUL')
  })

  test('an empty locator, path or id is missing', () => {
    expect(refusal('session.open', { locator: '' })).toContain('locator is ""')
    expect(refusal('files.list', { path: '' })).toContain('path is ""')
    expect(refusal('session.info', { session: '' })).toContain('session is ""')
    expect(refusal('session.info', {})).toBe('session.info: session is missing')
  })
})

describe('attached bytes', () => {
  const write = (length: number | undefined) =>
    validateParams(
      'stage.write',
      FULL['stage.write'],
      length === undefined ? undefined : new Uint8Array(length),
    )

  test('belong to stage.write, at least one and at most a request full', () => {
    expect(write(1)).toBeTruthy()
    expect(write(MAX_BYTES_PER_REQUEST)).toBeTruthy()
    expect(() => write(undefined)).toThrow('stage.write: of bytes it needs some attached')
    expect(() => write(0)).toThrow('stage.write: of bytes it needs some attached')
    expect(() => write(MAX_BYTES_PER_REQUEST + 1)).toThrow(
      `takes at most ${MAX_BYTES_PER_REQUEST} attached, not ${MAX_BYTES_PER_REQUEST + 1}`,
    )
  })

  test.each(NAMES.filter((name) => name !== 'stage.write'))('are refused for %s', (name) => {
    expect(() => validateParams(name, FULL[name], new Uint8Array(1))).toThrow(
      expect.objectContaining({ code: 'BAD_REQUEST' }),
    )
  })
})
