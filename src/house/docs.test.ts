// Documents that say what the code is are compared with the code.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { type Commands, makeProgram } from '../cli/program'
import { ERROR_CODES } from '../engine/base/errors'
import { IMPORT_TABLE } from './import-table'

const ROOT = join(import.meta.dirname, '..', '..')
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')

const DOCUMENTS = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  ...(readdirSync(join(ROOT, 'docs'), { recursive: true }) as string[])
    .filter((path) => path.endsWith('.md'))
    .map((path) => `docs/${path.replaceAll('\\', '/')}`),
]

/** What stands between `<!-- name:start -->` and `<!-- name:end -->`. */
function section(text: string, name: string): string {
  const match = new RegExp(`<!-- ${name}:start -->\\n([\\s\\S]*?)<!-- ${name}:end -->`).exec(text)
  return match?.[1] ?? ''
}

function importTableText(): string {
  const list = (items: readonly string[]) =>
    items.length === 0 ? '–' : items.map((i) => `\`${i}\``).join(', ')
  const rows = IMPORT_TABLE.map(
    ({ path, rooms, packages }) => `| \`${path}\` | ${list(rooms)} | ${list(packages)} |\n`,
  )
  return `\n| room | rooms | packages |\n| --- | --- | --- |\n${rows.join('')}\n`
}

const quiet = { writeOut: () => undefined, writeErr: () => undefined }

/** As wide as the documents are, whatever terminal the tests run in. */
const helpOf = (command: Command) =>
  command
    .configureOutput({ getOutHelpWidth: () => 80 })
    .helpInformation()
    .trimEnd()

/** The code blocks of a document. */
const codeOf = (path: string) =>
  [...read(path).matchAll(/^```[a-z]*\n([\s\S]*?)^```/gm)].map((match) => match[1] as string)

/** The words behind `platter` on each line of code that begins with it. */
function commandLines(path: string): string[][] {
  const lines = codeOf(path)
    .filter((code) => !code.startsWith('Usage: '))
    .flatMap((code) => code.replaceAll(/\\\n\s*/g, ' ').split('\n'))
    .flatMap((line) => /^(?:\$ )?platter\s+(.*)$/.exec(line)?.[1] ?? [])
  return lines.map((line) =>
    [...line.replace(/\s+([|&>#].*)?$/, '').matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
      ([, single, double, plain]) => single ?? double ?? plain ?? '',
    ),
  )
}

describe('the documents', () => {
  it('show the import table as the test holds it', () => {
    expect(section(read('docs/architecture.md'), 'import-table')).toBe(importTableText())
  })

  it('explain every error code, and no other', () => {
    const explained = [...read('docs/errors.md').matchAll(/^\| `([A-Z_]+)` \|/gm)].map((m) => m[1])
    expect([...explained].sort()).toEqual([...ERROR_CODES].sort())
  })

  it('explain no error code that nothing ends in', () => {
    const sources = (readdirSync(join(ROOT, 'src'), { recursive: true }) as string[])
      .filter((path) => /\.tsx?$/.test(path) && !/\.test\.|\.test-helper\.|testing/.test(path))
      .filter((path) => !path.endsWith(join('base', 'errors.ts')))
      .map((path) => read(join('src', path)))
    const unused = ERROR_CODES.filter((code) => !sources.some((text) => text.includes(`'${code}'`)))
    expect(unused).toEqual([])
  })

  it('show the help of every command', () => {
    const text = read('docs/cli.md')
    const program = makeProgram(quiet)
    const inner = program.commands.flatMap(({ commands }) => commands)
    for (const command of [program, ...program.commands, ...inner]) {
      expect(text).toContain(`\`\`\`\n${helpOf(command)}\n\`\`\`\n`)
    }
    const shown = [...text.matchAll(/^Usage: platter (\w+(?: \w+)?)/gm)].map((m) => m[1])
    const nameOf = (command: Command): string =>
      inner.includes(command) ? `${command.parent?.name()} ${command.name()}` : command.name()
    expect(shown.sort()).toEqual([...program.commands, ...inner].map(nameOf).sort())
  })

  it('show only command lines that are understood', async () => {
    const done = async () => undefined
    const commands: Commands = {
      open: done,
      info: done,
      map: done,
      serve: done,
      copy: done,
      compare: done,
      overlayCreate: done,
      overlayInfo: done,
      overlayCommit: done,
      overlayDiscard: done,
      overlayCheckpoint: done,
      overlayResize: done,
    }
    const lines = DOCUMENTS.flatMap((path) => commandLines(path).map((words) => ({ path, words })))
    expect(lines.length).toBeGreaterThan(10)
    for (const { path, words } of lines) {
      const parsed = makeProgram(quiet, commands).parseAsync(words, { from: 'user' })
      const refusal = await parsed.then(
        () => '',
        (error: { exitCode?: number; message: string }) =>
          error.exitCode === 0 ? '' : error.message,
      )
      expect(refusal, `${path}: platter ${words.join(' ')}`).toBe('')
    }
  })

  it('name only scripts that exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
    for (const document of DOCUMENTS) {
      for (const [, name] of read(document).matchAll(/npm run ([a-z0-9:]+)/g)) {
        expect(scripts, `${document}: npm run ${name}`).toHaveProperty(name as string)
      }
    }
  })

  it('name only what the protocol has, by its own names', () => {
    const named = new Set(
      [...read('docs/nbd.md').matchAll(/\bNBD_[A-Z_]+\b/g)].map(([name]) => name),
    )
    const constants = read('src/engine/nbd/constants.ts')
    const unknown = [...named].filter((name) => !constants.includes(`export const ${name} =`))
    expect(unknown).toEqual([])
    const spoken = [...constants.matchAll(/^export const (NBD_(?:OPT|CMD)_[A-Z_]+) =/gm)]
    const silent = spoken.filter(([, name]) => !named.has(name as string)).map(([, name]) => name)
    expect(silent.filter((name) => !name?.startsWith('NBD_CMD_FLAG_'))).toEqual([])
  })

  it('lead only to files that exist', () => {
    for (const document of DOCUMENTS) {
      for (const [, link] of read(document).matchAll(/\]\(([^)#\s]+)[^)]*\)/g)) {
        if (/^[a-z]+:/.test(link as string)) continue
        const target = join(ROOT, dirname(document), link as string)
        expect(existsSync(target), `${document}: ${link}`).toBe(true)
      }
    }
  })

  it('name only files of the source that exist', () => {
    for (const document of DOCUMENTS) {
      for (const [, path] of read(document).matchAll(
        /`((?:src|docs|e2e|bench|scripts)\/[\w./-]+)`/g,
      )) {
        expect(existsSync(join(ROOT, path as string)), `${document}: ${path}`).toBe(true)
      }
    }
  })

  it('carry no path of the machine they were written on', () => {
    for (const document of DOCUMENTS) {
      expect(read(document), document).not.toMatch(/\/(work|root|home\/[a-z]+)\//)
    }
  })
})
