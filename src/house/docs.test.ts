// Documents that say what the code is are compared with the code.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { makeProgram } from '../cli/program'
import { ERROR_CODES } from '../engine/base/errors'
import { IMPORT_TABLE } from './import-table'

const ROOT = join(import.meta.dirname, '..', '..')
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')

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

describe('the documents', () => {
  it('show the import table as the test holds it', () => {
    expect(section(read('docs/architecture.md'), 'import-table')).toBe(importTableText())
  })

  it('explain every error code, and no other', () => {
    const explained = [...read('docs/errors.md').matchAll(/^\| `([A-Z_]+)` \|/gm)].map((m) => m[1])
    expect([...explained].sort()).toEqual([...ERROR_CODES].sort())
  })

  it('show the help of every command', () => {
    const text = read('docs/cli.md')
    const program = makeProgram({ writeOut: () => undefined, writeErr: () => undefined })
    for (const command of [program, ...program.commands]) {
      expect(text).toContain(command.helpInformation().trimEnd())
    }
    const shown = [...text.matchAll(/^Usage: platter (\w+)/gm)].map((m) => m[1])
    expect(shown.sort()).toEqual(program.commands.map((command) => command.name()).sort())
  })

  it('name only scripts that exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
    for (const document of ['README.md', 'CONTRIBUTING.md', 'docs/testing.md']) {
      for (const [, name] of read(document).matchAll(/npm run ([a-z0-9:]+)/g)) {
        expect(scripts, `${document}: npm run ${name}`).toHaveProperty(name as string)
      }
    }
  })

  it('carry no path of the machine they were written on', () => {
    for (const document of [
      'README.md',
      'CONTRIBUTING.md',
      'CHANGELOG.md',
      'docs/architecture.md',
    ]) {
      expect(read(document)).not.toMatch(/\/(work|root|home\/[a-z]+)\//)
    }
  })
})
