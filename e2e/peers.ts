// The programs that Platter is held against: they make images, serve them, and read what it serves.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, open, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from '@playwright/test'

const RUN_LIMIT_MS = 30_000

export interface MapTotals {
  readonly data: number
  readonly hole: number
  readonly zero: number
}

export class Peers {
  readonly #dir: string
  readonly #servers: ChildProcess[] = []
  #count = 0

  constructor(dir: string) {
    this.#dir = dir
  }

  /** Runs a program to its end; its output. Fails with what it said when it fails. */
  run(command: string, ...args: string[]): string {
    const done = spawnSync(command, args, {
      encoding: 'utf8',
      timeout: RUN_LIMIT_MS,
      env: TOOLS_ENV,
    })
    if (done.error !== undefined) throw done.error
    if (done.status !== 0) {
      throw new Error(`${command} ${args.join(' ')}: ${done.status}: ${done.stdout}${done.stderr}`)
    }
    return done.stdout
  }

  /** A raw image of `mebibytes` that holds an ext4 file system with some files in it, made as root or not. */
  async makeExt4Image(name: string, mebibytes = 64): Promise<string> {
    const tree = join(this.#dir, `${name}.tree`)
    await mkdir(join(tree, 'etc'), { recursive: true })
    await writeFile(join(tree, 'etc', 'hostname'), 'platter\n')
    await writeFile(join(tree, 'random.bin'), pseudoRandom(3 * 1024 * 1024))
    await writeFile(join(tree, 'text.txt'), 'a line of text that repeats\n'.repeat(20_000))
    const image = join(this.#dir, name)
    await (await open(image, 'w')).close()
    this.run('mke2fs', '-q', '-t', 'ext4', '-d', tree, '-L', 'PLATTER', image, `${mebibytes}M`)
    return image
  }

  /** A raw image as a machine would have it: a GPT, an EFI partition, and an ext4 one with files. */
  async makeMachineImage(name: string): Promise<string> {
    const tree = join(this.#dir, `${name}.tree`)
    await mkdir(tree)
    for (let i = 0; i < 24; i++) {
      await writeFile(join(tree, `part-${i}.bin`), pseudoRandom((1 + (i % 5)) * 1024 * 1024))
    }
    const image = join(this.#dir, name)
    await writeFile(image, '')
    await truncate(image, 384 * 1024 * 1024)
    const efi = ['--new=1:2048:+48M', '--typecode=1:ef00', '--change-name=1:EFI system']
    const root = ['--new=2:100352:0', '--change-name=2:root']
    this.run('sgdisk', ...efi, ...root, image)
    this.run('mkfs.vfat', '-F', '32', '--offset', '2048', image, '49152')
    const rootKib = (384 * 1024 * 1024 - 100352 * 512) / 1024 - 64
    const offset = ['-E', `offset=${100352 * 512}`]
    this.run(
      'mke2fs',
      '-q',
      '-t',
      'ext4',
      ...offset,
      '-d',
      tree,
      '-L',
      'root',
      image,
      `${rootKib}k`,
    )
    return image
  }

  /** `nbdinfo --map --totals`, of a file through nbdkit or of a URI, in bytes for each kind. */
  totals(locator: string): MapTotals {
    const uri = /^nbds?(\+unix)?:/.test(locator) ? [locator] : ['[', 'nbdkit', 'file', locator, ']']
    const rows = JSON.parse(this.run('nbdinfo', '--map', '--totals', '--json', ...uri)) as {
      readonly size: number
      readonly type: number
    }[]
    const sum = (type: number) =>
      rows.filter((row) => row.type === type).reduce((total, row) => total + row.size, 0)
    // base:allocation: bit 0 says hole, bit 1 says that it reads as zeroes.
    return { data: sum(0), hole: sum(3), zero: sum(2) }
  }

  /** qemu-io on an NBD URI; each command as qemu-io spells it. */
  qemuIo(uri: string, ...commands: string[]): string {
    const output = this.run(
      'qemu-io',
      '-f',
      'raw',
      ...commands.flatMap((each) => ['-c', each]),
      uri,
    )
    // qemu-io ends with 0 whatever its commands did.
    if (/failed|error/i.test(output)) throw new Error(`qemu-io ${commands.join('; ')}: ${output}`)
    return output
  }

  /** The same over TLS, with the key of `user` in a folder as qemu wants it. */
  qemuIoTls(
    at: { folder: string; user: string; port: number; name: string },
    ...commands: string[]
  ): string {
    const object = `tls-creds-psk,id=tls,endpoint=client,dir=${at.folder},username=${at.user}`
    const server = `server.type=inet,server.host=127.0.0.1,server.port=${at.port}`
    const image = `driver=nbd,${server},export=${at.name},tls-creds=tls,discard=unmap`
    return this.run(
      'qemu-io',
      ...['--object', object, '--image-opts', '-d', 'unmap', image],
      ...commands.flatMap((each) => ['-c', each]),
    )
  }

  /** A client that does these things, in the words of nbdsh, and then stays until it is hung up on. */
  async stayConnected(uri: string, ...commands: string[]): Promise<{ ended(): Promise<unknown> }> {
    const wait = 'import time\nfor i in range(60):\n  h.flush()\n  time.sleep(1)'
    const script = [...commands, 'print("ready", flush=True)', wait]
    const args = ['-u', uri, ...script.flatMap((each) => ['-c', each])]
    const child = spawn('nbdsh', args, {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...TOOLS_ENV, PATH: `/usr/bin:${TOOLS_ENV.PATH}` },
    })
    this.#servers.push(child)
    const end = once(child, 'exit')
    await Promise.race([once(child.stdout, 'data'), end])
    expect(child.exitCode, 'nbdsh is connected').toBeNull()
    return { ended: () => end }
  }

  /** Starts `nbdkit` on a Unix socket of this test; resolves to the socket's path. */
  async nbdkit(...args: string[]): Promise<string> {
    const socket = join(this.#dir, `nbdkit-${++this.#count}.sock`)
    await this.#serve(
      'nbdkit',
      ['--foreground', '--exit-with-parent', '-U', socket, ...args],
      socket,
    )
    return socket
  }

  /** A qcow2 copy of a raw image, served by `qemu-nbd`; resolves to the socket's path. */
  async qemuNbd(raw: string): Promise<string> {
    const qcow2 = join(this.#dir, `served-${++this.#count}.qcow2`)
    const socket = `${qcow2}.sock`
    this.run('qemu-img', 'convert', '-f', 'raw', '-O', 'qcow2', raw, qcow2)
    const args = ['-f', 'qcow2', '-k', socket, '--persistent', '--shared=8', qcow2]
    await this.#serve('qemu-nbd', args, socket)
    return socket
  }

  /** Ends the server that was started last. */
  async stopServer(): Promise<void> {
    await end(this.#servers.pop()!)
  }

  async close(): Promise<void> {
    await Promise.all(this.#servers.splice(0).map(end))
  }

  async #serve(command: string, args: readonly string[], socket: string): Promise<void> {
    const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'], env: TOOLS_ENV })
    this.#servers.push(child)
    const isUp = () => child.exitCode === null && existsSync(socket)
    await expect.poll(isUp, `${command} ${args.join(' ')} listens`).toBe(true)
  }
}

/** The file-system tools are where root's shell looks for them. */
const TOOLS_ENV = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin` }

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  // Asked politely, some wait until their last client has gone.
  child.kill('SIGKILL')
  await ended
}

/** The same bytes in every run. */
function pseudoRandom(length: number): Uint8Array {
  const words = new Uint32Array(length / 4)
  let state = 0x9e3779b9
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    words[i] = state
  }
  return new Uint8Array(words.buffer)
}
