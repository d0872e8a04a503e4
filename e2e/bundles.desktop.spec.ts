// What the built bundles lean on. The sandbox gives a preload script `electron` and nothing else, and an
// installed package has no node_modules but koffi.

import { readdir, readFile } from 'node:fs/promises'
import { builtinModules } from 'node:module'
import { join } from 'node:path'
import { expect, test } from './fixtures'

const OUT = join(import.meta.dirname, '..', 'out')

test('the preload script is one file that requires only electron', async () => {
  expect(await readdir(join(OUT, 'preload'))).toEqual(['index.cjs'])
  const text = await readFile(join(OUT, 'preload', 'index.cjs'), 'utf8')
  const required = [...text.matchAll(/require\(\s*["'`]([^"'`]+)/g)].map((match) => match[1])
  expect(new Set(required)).toEqual(new Set(['electron']))
  expect(text).not.toMatch(/^\s*(import|export)\s/m)
})

test('main imports Node, electron, koffi, and its own chunks', async () => {
  const files = await readdir(join(OUT, 'main'), { recursive: true, withFileTypes: true })
  const scripts = files.filter((file) => file.isFile() && file.name.endsWith('.js'))
  const texts = await Promise.all(
    scripts.map((file) => readFile(join(file.parentPath, file.name), 'utf8')),
  )
  const imported = texts.flatMap((text) =>
    [...text.matchAll(/^\s*import\s(?:[^"'`;]*?\sfrom\s)?["']([^"']+)["']/gm)].map(
      (match) => match[1]!,
    ),
  )
  const strangers = imported.filter(
    (name) =>
      !name.startsWith('.') &&
      !name.startsWith('node:') &&
      !builtinModules.includes(name) &&
      !['electron', 'koffi'].includes(name),
  )
  expect(imported.length).toBeGreaterThan(0)
  expect(strangers).toEqual([])
})
