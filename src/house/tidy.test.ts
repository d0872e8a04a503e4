// The rules of the house as tests: who may import whom, how long a file may grow, what is banned where.

import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { IMPORT_TABLE, roomOf, TEST_PACKAGES, TEST_ROOMS } from './import-table'

const SRC = join(import.meta.dirname, '..')

interface SourceFile {
  /** Below src, with forward slashes. */
  readonly path: string
  readonly text: string
  readonly isTest: boolean
}

const isTestFile = (path: string) =>
  /\.test\.tsx?$/.test(path) || path.includes('/testing/') || path.includes('.test-helper.')

const files: SourceFile[] = (readdirSync(SRC, { recursive: true }) as string[])
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => /\.tsx?$/.test(path) && !path.startsWith('house/'))
  .map((path) => ({ path, text: readFileSync(join(SRC, path), 'utf8'), isTest: isTestFile(path) }))

/** `engine/base/errors`, `npm:koffi`, `node:fs` for each import of a file, type imports included. */
function importsOf(file: SourceFile): string[] {
  const { importedFiles } = ts.preProcessFile(file.text, true, true)
  return importedFiles.map(({ fileName }) => {
    if (fileName.startsWith('node:')) return fileName
    if (!fileName.startsWith('.')) return `npm:${packageName(fileName)}`
    return posix.join(dirname(file.path), fileName.replace(/\?.*$/, ''))
  })
}

const packageName = (specifier: string) =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')

function refusal(file: SourceFile, imported: string): string | undefined {
  const room = roomOf(file.path)
  if (room === undefined) return `${file.path} stands in no room of the table`
  const packages = [...room.packages, ...(file.isTest ? TEST_PACKAGES : [])]
  const edge = `${file.path} → ${imported}`
  if (imported.startsWith('node:')) return packages.includes('node:*') ? undefined : edge
  if (imported.startsWith('npm:')) return packages.includes(imported.slice(4)) ? undefined : edge
  if (imported.startsWith('..')) return imported === '../package.json' ? undefined : edge
  const target = roomOf(imported)
  if (target === undefined) return `${edge}: not a room`
  const rooms = [room.path, ...room.rooms, ...(file.isTest ? TEST_ROOMS : [])]
  return rooms.includes(target.path) ? undefined : edge
}

describe('the house', () => {
  it('has its files where the table can see them', () => {
    expect(files.length).toBeGreaterThan(100)
    for (const room of IMPORT_TABLE) {
      expect(files.some((file) => file.path.startsWith(`${room.path}/`))).toBe(true)
    }
  })

  it('imports only what the table allows, type imports counted', () => {
    const refused = files.flatMap((file) =>
      importsOf(file).flatMap((imported) => refusal(file, imported) ?? []),
    )
    expect(refused).toEqual([])
  })

  it('would see an import that the table does not allow', () => {
    const text = "import type { Disk } from '../disk/disk'\nimport 'node:fs'"
    const file = { path: 'engine/base/intruder.ts', text, isTest: false }
    expect(importsOf(file).map((imported) => refusal(file, imported))).toEqual([
      'engine/base/intruder.ts → engine/disk/disk',
      'engine/base/intruder.ts → node:fs',
    ])
  })

  it('keeps files short, and lets the long ones only shrink', () => {
    const limit = (file: SourceFile) => LONG_FILES[file.path] ?? (file.isTest ? 600 : 350)
    const long = files
      .map((file) => ({ file, lines: file.text.split('\n').length }))
      .filter(({ file, lines }) => lines > limit(file))
    expect(long.map(({ file, lines }) => `${file.path}: ${lines} lines`)).toEqual([])
  })

  it('keeps functions on a screen', () => {
    expect(files.filter((file) => !file.isTest).flatMap(longFunctions)).toEqual([])
  })

  it('opens every engine file of weight with a note', () => {
    const bare = files.filter(
      (file) =>
        file.path.startsWith('engine/') &&
        !file.isTest &&
        file.text.split('\n').length > 80 &&
        !/^(\/\/|\/\*\*)/.test(file.text),
    )
    expect(bare.map((file) => file.path)).toEqual([])
  })

  it('throws errors that carry a code', () => {
    const plain = files.filter(
      (file) =>
        /^(engine|workspace|cli|web)\//.test(file.path) &&
        !file.isTest &&
        /throw new (Error|TypeError|RangeError)\(/.test(file.text),
    )
    expect(plain.map((file) => file.path)).toEqual([])
  })

  it('keeps no state in the modules of engine and workspace', () => {
    const stateful = files.filter(
      (file) =>
        /^(engine|workspace|bridge)\//.test(file.path) && !file.isTest && /^let /m.test(file.text),
    )
    expect(stateful.map((file) => file.path)).toEqual([])
  })

  it('asks no clock and no dice in the engine', () => {
    const banned = /\bDate\.now\(|\bMath\.random\(|\bsetTimeout\(|\bsetInterval\(/
    const asking = files.filter(
      (file) =>
        file.path.startsWith('engine/') &&
        !file.isTest &&
        !file.path.startsWith('engine/io/') &&
        banned.test(file.text),
    )
    expect(asking.map((file) => file.path)).toEqual([])
    const dice = files.filter((file) => /\bMath\.random\(/.test(file.text))
    expect(dice.map((file) => file.path)).toEqual([])
  })

  it('reads 64-bit fields in two places, and turns them into numbers in one', () => {
    const readers = ['engine/base/bytes.ts', 'engine/survey/fields.ts']
    const reading = files.filter(
      (file) =>
        file.path.startsWith('engine/') && !file.isTest && /Big(Ui|I)nt64\(/.test(file.text),
    )
    expect(reading.map((file) => file.path).filter((path) => !readers.includes(path))).toEqual([])
    const gate = files.filter((file) => readers.includes(file.path) && /\bNumber\(/.test(file.text))
    expect(gate.map((file) => file.path)).toEqual(['engine/base/bytes.ts'])
  })

  it('waits for events, never for time, in tests', () => {
    const sleeping = files.filter(
      (file) =>
        file.isTest && /waitForTimeout|setTimeout\(\s*(resolve|r|res|done)\b/.test(file.text),
    )
    expect(sleeping.map((file) => file.path)).toEqual([])
  })

  it('leaves no focused or unfinished test behind', () => {
    const focused = files.filter((file) => /\b(it|test|describe)\.(only|todo)\(/.test(file.text))
    expect(focused.map((file) => file.path)).toEqual([])
  })
})

/** Debts: lines that these files have today. A file leaves the list when it is short enough. */
const LONG_FILES: Readonly<Record<string, number>> = {}

const MAX_FUNCTION_LINES = 70

/** React components draw a screen and may be as long as one. */
const MAX_COMPONENT_LINES = 150

function longFunctions(file: SourceFile): string[] {
  const source = ts.createSourceFile(file.path, file.text, ts.ScriptTarget.Latest, true)
  const found: string[] = []
  const lineOf = (position: number) => source.getLineAndCharacterOfPosition(position).line
  const visit = (node: ts.Node): void => {
    if (
      (ts.isFunctionDeclaration(node) ||
        ts.isMethodDeclaration(node) ||
        ts.isConstructorDeclaration(node)) &&
      node.body !== undefined
    ) {
      const lines = lineOf(node.end) - lineOf(node.getStart(source)) + 1
      const limit = file.path.endsWith('.tsx') ? MAX_COMPONENT_LINES : MAX_FUNCTION_LINES
      const name = node.name?.getText(source) ?? 'constructor'
      if (lines > limit) found.push(`${file.path}: ${name} has ${lines} lines`)
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}
