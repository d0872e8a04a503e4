// Which room may import which, type imports counted: anything that is not here is an error. `npm:x` is a
// package, `node:*` any module of Node. docs/architecture.md shows this table; a test compares the two.

export interface Room {
  /** Folder below src, or e2e, bench. The longest that matches a file is its room. */
  readonly path: string
  /** Rooms by their path; a room may always import itself. */
  readonly rooms: readonly string[]
  readonly packages: readonly string[]
}

const PURE = ['engine/base', 'engine/disk']
const ENGINE = [
  'engine/base',
  'engine/disk',
  'engine/layers',
  'engine/formats',
  'engine/nbd',
  'engine/copy',
  'engine/survey',
  'engine/io',
]

export const IMPORT_TABLE: readonly Room[] = [
  { path: 'engine/base', rooms: [], packages: [] },
  { path: 'engine/disk', rooms: ['engine/base'], packages: [] },
  { path: 'engine/layers', rooms: PURE, packages: [] },
  { path: 'engine/formats', rooms: PURE, packages: [] },
  { path: 'engine/nbd', rooms: PURE, packages: [] },
  { path: 'engine/copy', rooms: PURE, packages: [] },
  { path: 'engine/survey', rooms: PURE, packages: [] },
  { path: 'engine/io', rooms: [...PURE, 'engine/nbd'], packages: ['node:*', 'koffi'] },
  {
    path: 'engine/testing',
    rooms: [...PURE, 'engine/layers'],
    packages: ['node:*', 'vitest'],
  },
  { path: 'bridge', rooms: ['engine/base'], packages: ['zod'] },
  { path: 'workspace', rooms: [...ENGINE, 'bridge'], packages: ['node:*', 'zod'] },
  { path: 'main', rooms: ['workspace', 'bridge', 'engine/base'], packages: ['node:*', 'electron'] },
  { path: 'preload', rooms: ['bridge'], packages: ['electron'] },
  { path: 'web', rooms: ['workspace', 'bridge', 'engine/base'], packages: ['node:*', 'ws'] },
  {
    path: 'cli',
    rooms: ['workspace', 'web', 'bridge', 'engine/base'],
    packages: ['node:*', 'commander'],
  },
  {
    path: 'renderer',
    rooms: ['bridge', 'engine/base'],
    packages: [
      '@base-ui/react',
      '@fontsource-variable/inter',
      '@fontsource-variable/jetbrains-mono',
      'lucide-react',
      'react',
      'react-dom',
      'react-resizable-panels',
      'recharts',
      'zustand',
    ],
  },
]

/** What tests may import beyond their room. */
export const TEST_PACKAGES = ['node:*', 'vitest', 'fast-check', 'typescript', 'ws', 'zod']
export const TEST_ROOMS = ['engine/testing', ...ENGINE]

export const roomOf = (path: string): Room | undefined =>
  IMPORT_TABLE.filter((room) => path === room.path || path.startsWith(`${room.path}/`)).sort(
    (a, b) => b.path.length - a.path.length,
  )[0]
