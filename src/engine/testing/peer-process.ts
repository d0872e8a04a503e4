// Runs the programs that interop tests talk to (nbdkit, qemu-io, …): starts them, waits until they
// listen, and ends them by their process id. A program that is missing skips its tests, loudly and
// counted; with PLATTER_REQUIRE=all it fails them instead.

import type { ChildProcess } from 'node:child_process'
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

/** Between two looks at whether a server listens: the one thing here that has no event. */
const POLL_MS = 5

const skipped = new Set<string>()

/** True when the program can be run; false, said once on stderr, when its tests have to be skipped. */
export function requirePeer(name: string): boolean {
  const found = (process.env['PATH'] ?? '')
    .split(':')
    .some((dir) => dir !== '' && existsSync(join(dir, name)))
  if (found) return true
  if (process.env['PLATTER_REQUIRE'] === 'all') {
    throw new Error(`${name} is not installed, and PLATTER_REQUIRE=all allows no skips`)
  }
  if (!skipped.has(name)) {
    skipped.add(name)
    process.stderr.write(
      `SKIPPED (${skipped.size}): ${name} is not installed; its tests do not run\n`,
    )
  }
  return false
}

export interface PeerResult {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly timeoutMs?: number
  readonly cwd?: string
  /** Instead of this process's environment. */
  readonly env?: NodeJS.ProcessEnv
}

/** Runs a program to its end, or kills it after `timeoutMs` (status null). */
export function runPeer(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<PeerResult> {
  return new Promise((resolve, reject) => {
    const { cwd, env } = options
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd, env })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk) => {
      stdout += chunk
    })
    child.stderr.on('data', (chunk) => {
      stderr += chunk
    })
    const timer = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? 30_000)
    child.on('error', reject)
    child.on('close', (status) => {
      clearTimeout(timer)
      resolve({ status, stdout, stderr })
    })
  })
}

export class PeerProcess {
  readonly #child: ChildProcess
  readonly #ended: Promise<void>
  #output = ''

  private constructor(child: ChildProcess) {
    this.#child = child
    this.#ended = new Promise((resolve) => child.once('close', () => resolve()))
    const keep = (chunk: Buffer) => {
      this.#output = (this.#output + chunk).slice(-64 * 1024)
    }
    child.stdout?.on('data', keep)
    child.stderr?.on('data', keep)
  }

  /** Starts a server and waits until `isReady` (a socket file is there, a port answers). */
  static async start(
    command: string,
    args: readonly string[],
    isReady: () => boolean | Promise<boolean>,
    timeoutMs = 10_000,
  ): Promise<PeerProcess> {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    const peer = new PeerProcess(child)
    let failure: Error | undefined
    child.on('error', (error) => {
      failure = error
    })
    const end = Date.now() + timeoutMs
    while (!(await isReady())) {
      if (failure !== undefined || child.exitCode !== null || Date.now() > end) {
        await peer.stop()
        throw new Error(`${command} ${args.join(' ')}: did not start: ${failure ?? peer.output}`)
      }
      await pause(POLL_MS)
    }
    return peer
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** What it printed, the end of it. */
  get output(): string {
    return this.#output
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  /** Ends it, by force if it does not end by itself, and waits until it is gone. */
  async stop(): Promise<void> {
    if (this.#child.pid === undefined) return
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill('SIGTERM')
      const force = setTimeout(() => this.#child.kill('SIGKILL'), 3_000)
      await this.#ended
      clearTimeout(force)
    }
  }
}

/**
 * Whether somebody listens on a Unix socket, without a connection that a server would count. The file is
 * there a moment before; where the kernel does not tell, it has to do.
 */
export function isListening(path: string): boolean {
  if (process.platform !== 'linux') return existsSync(path)
  const sockets = readFileSync('/proc/net/unix', 'latin1').split('\n')
  return sockets.some((line) => line.includes(' 00010000 ') && line.endsWith(` ${path}`))
}

/**
 * Whether qemu-nbd has all its locks on an image: it listens before it has opened the image, and the lock
 * that keeps others from resizing it (byte 203) is the last that it takes.
 */
export function isLockedByQemuNbd(path: string): boolean {
  const { ino } = statSync(path)
  return readFileSync('/proc/locks', 'latin1').includes(`:${ino} 203 203`)
}

/** A fresh directory for sockets and images, short enough for a socket path, removed afterwards. */
export async function withTempDir<T>(use: (dir: string) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'platter-'))
  try {
    return await use(dir)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/** Whether a program runs at all with these arguments: for optional plugins and filters. */
export const peerRuns = (command: string, args: readonly string[]): boolean =>
  spawnSync(command, args, { stdio: 'ignore' }).status === 0
