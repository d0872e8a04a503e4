// The table of the protocol's rules names for each the test that holds it: looked up here.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '..', '..')

interface Row {
  readonly rule: string
  readonly path: string
  readonly title: string
}

function rowsOf(document: string): Row[] {
  const text = readFileSync(join(ROOT, document), 'utf8')
  const table = /<!-- nbd-rules:start -->([\s\S]*)<!-- nbd-rules:end -->/.exec(text)?.[1] ?? ''
  return [...table.matchAll(/^\| (.+?) \| ([\w/.-]+) \| (.+) \|$/gm)]
    .map(([, rule = '', file = '', title = '']) => ({
      rule,
      path: `src/engine/${file}.test.ts`,
      title,
    }))
    .filter(({ title }) => !/^-+$|^title$/.test(title))
}

/** Why a row says something that is not so. */
function complaint({ rule, path, title }: Row): string | undefined {
  if (!existsSync(join(ROOT, path))) return `${rule}: there is no ${path}`
  const text = readFileSync(join(ROOT, path), 'utf8')
  const isThere = ["'", '"', '`'].some((quote) => text.includes(`${quote}${title}${quote}`))
  return isThere ? undefined : `${rule}: ${path} has no '${title}'`
}

describe('the rules of the protocol', () => {
  const rows = rowsOf('docs/nbd.md')

  it('stand in the document, each once', () => {
    expect(rows.length).toBeGreaterThan(70)
    expect(new Set(rows.map(({ path, title }) => `${path} ${title}`)).size).toBe(rows.length)
  })

  it('each have a test of the name that the document gives', () => {
    expect(rows.flatMap((row) => complaint(row) ?? [])).toEqual([])
  })

  it('would be missed when their test is gone', () => {
    const row = rows[0] as Row
    expect(complaint({ ...row, title: 'something that nobody tests' })).toContain(row.rule)
    expect(complaint({ ...row, path: 'src/engine/nbd/nowhere.test.ts' })).toContain('nowhere')
  })
})
