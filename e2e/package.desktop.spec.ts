// `npm run package`, with a made-up Electron: what is packed, and which fuses are set. Whether the result
// runs can only be seen with the real binary.

import { execFile } from 'node:child_process'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { FuseState, FuseV1Options, getCurrentFuseWire } from '@electron/fuses'
import { expect, test } from './fixtures'

const run = promisify(execFile)
const ROOT = join(import.meta.dirname, '..')
/** By this an Electron binary is known; version 1 and nine fuses follow. */
const FUSE_SENTINEL = 'dL7pKGdnNz796PbbjQWNKmHXBZaB9tsX\u0001\u0009'
const FUSES_AS_SHIPPED = '101110011'

interface AsarFolder {
  readonly files: Readonly<Record<string, AsarEntry>>
}
type AsarEntry = AsarFolder | { readonly size: number; readonly unpacked?: true }

/** Paths in an asar archive: its header is JSON after four 32-bit lengths. */
async function listAsar(path: string): Promise<Map<string, AsarEntry>> {
  const archive = await readFile(path)
  const header = archive.subarray(16, 16 + archive.readUInt32LE(12)).toString()
  const found = new Map<string, AsarEntry>()
  const walk = (folder: AsarFolder, at: string) => {
    for (const [name, entry] of Object.entries(folder.files)) {
      if ('files' in entry) walk(entry, `${at}${name}/`)
      else found.set(at + name, entry)
    }
  }
  walk(JSON.parse(header) as AsarFolder, '')
  return found
}

/** As little of a downloaded Electron as packing needs. */
async function makeElectron(dir: string): Promise<void> {
  await mkdir(dir)
  await writeFile(join(dir, 'electron'), FUSE_SENTINEL + FUSES_AS_SHIPPED)
  await chmod(join(dir, 'electron'), 0o755)
  for (const name of ['LICENSE', 'LICENSES.chromium.html']) await writeFile(join(dir, name), '')
}

test('the package holds the bundles and the one library, and nothing of the sources', async ({
  dir,
}) => {
  test.skip(process.platform !== 'linux', 'the made-up binary is laid out as on Linux')
  const electron = join(dir, 'electron')
  await makeElectron(electron)
  await run(
    process.execPath,
    ['scripts/package.mjs', `-c.directories.output=${join(dir, 'dist')}`],
    {
      cwd: ROOT,
      env: { ...process.env, ELECTRON_OVERRIDE_DIST_PATH: electron },
    },
  )
  const packed = join(dir, 'dist', 'linux-unpacked')

  const entries = await listAsar(join(packed, 'resources', 'app.asar'))
  const paths = [...entries.keys()]
  expect(paths).toEqual(
    expect.arrayContaining([
      'package.json',
      'assets/icon.png',
      'out/main/index.js',
      'out/main/cli.js',
      'out/preload/index.cjs',
      'out/renderer/index.html',
    ]),
  )
  const strangers = paths.filter(
    (path) =>
      !/^(package\.json|assets\/icon\.png|out\/|node_modules\/(koffi|@koromix)\/)/.test(path),
  )
  expect(strangers).toEqual([])
  const library = paths.find((path) => path.endsWith('koffi.node'))
  expect(library && entries.get(library)).toMatchObject({ unpacked: true })

  const fuses = await getCurrentFuseWire(join(packed, 'platter'))
  expect(fuses[FuseV1Options.RunAsNode]).toBe(FuseState.DISABLE)
  expect(fuses[FuseV1Options.EnableNodeOptionsEnvironmentVariable]).toBe(FuseState.DISABLE)
  expect(fuses[FuseV1Options.EnableNodeCliInspectArguments]).toBe(FuseState.DISABLE)
  expect(fuses[FuseV1Options.OnlyLoadAppFromAsar]).toBe(FuseState.ENABLE)
  expect(fuses[FuseV1Options.GrantFileProtocolExtraPrivileges]).toBe(FuseState.DISABLE)
})

test('without a binary it says so in one line, and fails', async ({ dir }) => {
  const failed = run(process.execPath, ['scripts/package.mjs'], {
    cwd: ROOT,
    env: { ...process.env, ELECTRON_OVERRIDE_DIST_PATH: dir },
  })
  await expect(failed).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^package: there is no Electron binary at .*\n$/),
  })
})
