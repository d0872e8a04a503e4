// The built command as another program sees it: what comes on which stream, and the status at the end.

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, open, realpath, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { COMMAND, ensureBuilt, platter, RunningPlatter, runToFull } from './command.test-helper'

const MIB = 1024 * 1024

let dir = ''
beforeAll(async () => {
  await ensureBuilt()
  dir = await realpath(await mkdtemp(join(tmpdir(), 'platter-cli-')))
}, 120_000)
afterAll(() => rm(dir, { recursive: true }))

/** A file of one MiB in which only the last block is data. */
async function makeImage(name: string, size = MIB): Promise<string> {
  const path = join(dir, name)
  const file = await open(path, 'w')
  await file.truncate(size)
  await file.write(new Uint8Array(4096).fill(7), 0, 4096, size - 4096)
  await file.close()
  return path
}

const HOLE = MIB - 4096
const MAP = [
  { offset: 0, length: HOLE, type: 3, description: 'hole,zero' },
  { offset: HOLE, length: 4096, type: 0, description: 'data' },
]

const refusedWith = (why: RegExp) => ({
  status: 1,
  stdout: '',
  stderr: expect.stringMatching(new RegExp(`^platter: [^\\n]*${why.source}[^\\n]*\\n$`)),
})

describe('an image that cannot be one', () => {
  it.each<[string, (path: string) => Promise<unknown>, RegExp]>([
    ['missing', async () => undefined, /missing: cannot open: there is no such file \(ENOENT\)/],
    ['empty', (path) => writeFile(path, ''), /empty: the file is empty/],
    ['dangling', (path) => symlink('nowhere', path), /dangling: .*there is no such file/],
    ['loop', (path) => symlink('loop', path), /loop: .*too many symbolic links \(ELOOP\)/],
    ['fifo', async (path) => spawnSync('mkfifo', [path]), /fifo: it is a FIFO/],
    ['qcow2', (path) => writeFile(path, `QFI\xfb\0\0\0\x03${'\0'.repeat(504)}`, 'latin1'), /qcow2/],
  ])('is refused in one sentence: %s', async (name, make, why) => {
    const path = join(dir, name)
    await make(path)
    const commands = [['info'], ['map', '--json'], ['serve', '--port', '0']]
    const results = await Promise.all(commands.map((command) => platter([...command, path])))
    for (const result of results) expect(result).toEqual(refusedWith(why))
  })

  it('is refused when it is a directory, a device or nothing at all', async () => {
    expect(await platter(['info', dir])).toEqual(refusedWith(/: it is a directory/))
    expect(await platter(['map', '/dev/zero'])).toEqual(
      refusedWith(/zero: it is a character device/),
    )
    expect(await platter(['info', ''], { cwd: dir })).toEqual(refusedWith(/name .* is empty/))
    expect(await platter(['open', '--web', ''], { cwd: dir })).toEqual(
      refusedWith(/name .* is empty/),
    )
  })

  it.each(['nbd:', 'nbd://[::1', 'nbd://h:99999', 'nbd+unix:///', 'nbd://h/%zz', 'nbd://h?x=1'])(
    'is a URI that does not parse: %s',
    async (uri) => {
      expect(await platter(['info', uri])).toEqual(
        refusedWith(new RegExp(`${uri.replace(/[?[+]/g, '\\$&')}: .+`)),
      )
    },
  )

  it('has 1000 bytes and opens to its last one, and says so', async () => {
    const path = join(dir, 'odd')
    await writeFile(path, new Uint8Array(1000).fill(1))
    const info = await platter(['info', path])
    expect(info).toMatchObject({ status: 0, stderr: '' })
    expect(info.stdout).toMatch(/^note: .*1000 bytes is not a multiple of 512/m)
    const { stdout } = await platter(['map', '--json', path])
    expect(JSON.parse(stdout)).toEqual([{ offset: 0, length: 1000, type: 0, description: 'data' }])
  })
})

describe('an odd name', () => {
  it.each([
    'a b.img',
    'ünï—画像.img',
    '-dash.img',
    '--json',
    'quo\'te".img',
    'new\nline.img',
    'raw:x',
  ])('is a name like any other: %j', async (name) => {
    const path = await makeImage(name)
    const relative = await platter(['map', '--json', '--', name], { cwd: dir })
    expect(relative).toMatchObject({ status: 0, stderr: '' })
    expect(JSON.parse(relative.stdout)).toEqual(MAP)
    const absolute = await platter(['info', '--json', path])
    expect(JSON.parse(absolute.stdout)).toMatchObject({ locator: path, size: MIB })
  })

  it('may lead through links and dots', async () => {
    await makeImage('real.img')
    await symlink('real.img', join(dir, 'link.img'))
    const found = await platter(['map', '--json', `../${dir.split('/').at(-1)}/./link.img`], {
      cwd: dir,
    })
    expect(JSON.parse(found.stdout)).toEqual(MAP)
  })

  it('cannot steer the terminal', async () => {
    const { stdout } = await platter(['info', await makeImage('a\x1b[2J.img')])
    expect(stdout).toContain('a\\x1b[2J.img')
    expect(stdout).not.toContain('\x1b')
  })
})

describe('what is printed', () => {
  it('is one JSON document and nothing else', async () => {
    const path = await makeImage('json.img')
    for (const command of [['info'], ['map'], ['map', '--totals']]) {
      const { status, stdout, stderr } = await platter([...command, '--json', path])
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
      expect(() => JSON.parse(stdout)).not.toThrow()
    }
  })

  it('is nothing on stdout when it fails', async () => {
    expect(
      (await platter(['map', '--json', '--context', 'x', await makeImage('c.img')])).stdout,
    ).toBe('')
  })

  it('is wrong words, and 2', async () => {
    expect(await platter([])).toEqual({
      status: 2,
      stdout: '',
      stderr: expect.stringMatching(/^platter: [^\n]+\n$/),
    })
    expect(await platter(['bogus'])).toMatchObject({ status: 2, stdout: '' })
    const list = await platter(['info', '--list', 'a.img'])
    expect(list).toEqual({
      status: 2,
      stdout: '',
      stderr: 'platter: a.img: --list needs an NBD URI\n',
    })
  })

  it('is help, and 0', async () => {
    const { status, stdout, stderr } = await platter(['--help'])
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toMatch(/^Usage: platter /)
  })
})

describe('a long map', () => {
  const EXTENTS = 20_000
  let path = ''
  beforeAll(async () => {
    path = join(dir, 'fragmented.img')
    const file = await open(path, 'w')
    for (let i = 0; i < EXTENTS / 2; i++)
      await file.write(new Uint8Array(4096).fill(1), 0, 4096, i * 8192)
    await truncate(path, (EXTENTS / 2) * 8192)
    await file.close()
  })

  it('is complete before the command ends, however slowly it is read', async () => {
    const child = spawn(process.execPath, [COMMAND, 'map', '--json', path])
    const chunks: Buffer[] = []
    // Nothing is read until it has filled the pipe and cannot go on.
    await once(child.stdout, 'readable')
    for await (const chunk of child.stdout) chunks.push(chunk as Buffer)
    const rows = JSON.parse(Buffer.concat(chunks).toString()) as unknown[]
    expect(rows).toHaveLength(EXTENTS)
    if (child.exitCode === null) await once(child, 'exit')
    expect(child.exitCode).toBe(0)
  })

  it('ends quietly when its reader has seen enough', async () => {
    const child = spawn(process.execPath, [COMMAND, 'map', path])
    let stderr = ''
    child.stderr.on('data', (chunk) => {
      stderr += chunk
    })
    await once(child.stdout, 'data')
    child.stdout.destroy()
    const [status] = await once(child, 'close')
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  })

  it('fails when it cannot be written', async () => {
    const { status, stderr } = await runToFull(['map', path])
    expect(status).toBe(1)
    expect(stderr).toMatch(
      /^platter: standard output: cannot write \d+ characters: ENOSPC[^\n]*\n$/,
    )
  })
})

describe('the browser host', () => {
  it('prints its URL first, and ends with 0 when told to', async () => {
    const path = await makeImage('web.img')
    const host = new RunningPlatter(['open', '--web', path])
    expect(await host.firstLine()).toMatch(/^http:\/\/127\.0\.0\.1:\d+\//)
    expect(await host.end('SIGINT')).toMatchObject({
      status: 0,
      stderr: expect.stringMatching(/^platter: .*\n$/),
    })
  })

  it('does not begin over an image that cannot be opened', async () => {
    expect(await platter(['open', '--web', join(dir, 'not-there')])).toEqual(
      refusedWith(/not-there: cannot open: there is no such file/),
    )
  })

  it('refuses a port that is taken, with its number', async () => {
    const first = new RunningPlatter(['open', '--web'])
    const { port } = new URL(await first.firstLine())
    const second = await platter(['open', '--port', port])
    expect(second).toEqual(refusedWith(new RegExp(`port ${port}`)))
    await first.end()
  })
})
