// `platter open` where there is a window: what Electron is started with, and what its end means. A shell
// script stands in for the binary.

import { chmod, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ensureBuilt, platter, RunningPlatter } from './command.test-helper'

let dir = ''
beforeAll(async () => {
  await ensureBuilt()
  dir = await realpath(await mkdtemp(join(tmpdir(), 'platter-open-')))
}, 120_000)
afterAll(() => rm(dir, { recursive: true }))

async function makeElectron(
  name: string,
  script: string,
  mode = 0o755,
): Promise<NodeJS.ProcessEnv> {
  const path = join(dir, name)
  await writeFile(path, `#!/bin/sh\n${script}\n`)
  await chmod(path, mode)
  return { ...process.env, PLATTER_ELECTRON_PATH: path }
}

describe('the window', () => {
  it('gets absolute paths and URIs, none of which can be taken for a switch', async () => {
    const env = await makeElectron('electron', 'printf "%s\\n" "$@"')
    const images = ['--', '-dash.img', 'a b.img', 'nbd://host/--x', 'sample:', '/abs.img']
    const { status, stdout, stderr } = await platter(['open', ...images], { env, cwd: dir })
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout.trimEnd().split('\n').slice(-5)).toEqual([
      join(dir, '-dash.img'),
      join(dir, 'a b.img'),
      'nbd://host/--x',
      'sample:',
      '/abs.img',
    ])
  })

  it('is not opened for an image without a name', async () => {
    const env = await makeElectron('unused', 'echo started')
    expect(await platter(['open', 'a.img', ''], { env })).toEqual({
      status: 1,
      stdout: '',
      stderr: 'platter: the name of the image is empty\n',
    })
  })

  it('gives the command its own status', async () => {
    const env = await makeElectron('failing', 'exit 3')
    expect((await platter(['open'], { env })).status).toBe(3)
  })

  it('that was killed is a failure', async () => {
    const env = await makeElectron('killed', 'kill -9 $$')
    expect((await platter(['open'], { env })).status).toBe(1)
  })

  it('that cannot be started is one sentence', async () => {
    const env = await makeElectron('locked', '', 0o644)
    expect(await platter(['open'], { env })).toEqual({
      status: 1,
      stdout: '',
      stderr: expect.stringMatching(/^platter: .*locked: cannot be started: .*EACCES.*\n$/),
    })
  })

  it('is told to end when the command is', async () => {
    await makeElectron(
      'waiting',
      'trap "echo told; exit 5" TERM; echo up; while :; do sleep 0.05; done',
    )
    const running = new RunningPlatter(['open'], dir, {
      PLATTER_ELECTRON_PATH: join(dir, 'waiting'),
    })
    expect(await running.firstLine()).toBe('up')
    expect(await running.end('SIGTERM')).toMatchObject({ status: 5, stdout: 'up\ntold\n' })
  })

  it('is a page in the browser where the binary is not there, and says why', async () => {
    const nowhere = { PLATTER_ELECTRON_PATH: join(dir, 'nowhere') }
    const running = new RunningPlatter(['open'], dir, nowhere)
    expect(await running.firstLine()).toMatch(/^http:\/\/127\.0\.0\.1:/)
    const { status, stderr } = await running.end()
    expect(status).toBe(0)
    expect(stderr).toMatch(/^platter: .*there is no .*nowhere.*\n$/)
  })
})
