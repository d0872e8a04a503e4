// Runs the built command line as a person or another program would: as a process, with pipes and signals.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, rmdirSync, statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type PeerResult, type RunOptions, runPeer } from '../engine/testing/peer-process'

const ROOT = join(import.meta.dirname, '..', '..')
export const COMMAND = join(ROOT, 'bin', 'platter.mjs')
const BUILT = join(ROOT, 'out', 'main', 'cli.js')

/** Builds the application when there is no build, or one that is older than what it was made from. */
export async function ensureBuilt(): Promise<void> {
  if (isFresh()) return
  const lock = join(ROOT, 'node_modules', '.platter-building')
  for (let tries = 0; !take(lock); tries++) {
    if (tries > 600) throw new Error(`${lock} was not given back: remove it by hand`)
    await pause(100)
  }
  try {
    if (isFresh()) return
    const electronVite = join(ROOT, 'node_modules', 'electron-vite', 'bin', 'electron-vite.js')
    const build = spawnSync(process.execPath, [electronVite, 'build', '--logLevel', 'error'], {
      cwd: ROOT,
      encoding: 'utf8',
      env: { ...process.env, NODE_ENV: 'production' },
    })
    if (build.status !== 0) throw new Error(`the build failed: ${build.stdout}${build.stderr}`)
  } finally {
    rmdirSync(lock)
  }
}

function take(lock: string): boolean {
  try {
    mkdirSync(lock)
    return true
  } catch {
    return false
  }
}

const ROOMS = ['bridge', 'cli', 'engine', 'web', 'workspace']

function isFresh(): boolean {
  if (!existsSync(BUILT)) return false
  const built = statSync(BUILT).mtimeMs
  const sources = ROOMS.flatMap((room) =>
    (readdirSync(join(ROOT, 'src', room), { recursive: true }) as string[])
      .filter((path) => path.endsWith('.ts') && !/\.test(-helper)?\.ts$/.test(path))
      .map((path) => join(ROOT, 'src', room, path)),
  )
  return sources.every((path) => statSync(path).mtimeMs < built)
}

/** Runs it to its end; status null when it did not end in time. */
export const platter = (args: readonly string[], options: RunOptions = {}): Promise<PeerResult> =>
  runPeer(process.execPath, [COMMAND, ...args], { timeoutMs: 20_000, ...options })

export interface Ended {
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
  readonly stderr: string
  readonly stdout: string
}

/** A `platter serve` or `platter open` that runs, until it is told to end. */
export class RunningPlatter {
  readonly ended: Promise<Ended>
  readonly #child: ChildProcess
  readonly #output = { stdout: '', stderr: '' }
  #onOutput: () => void = () => undefined

  constructor(args: readonly string[], cwd?: string, env: NodeJS.ProcessEnv = {}) {
    const child = spawn(process.execPath, [COMMAND, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd,
      env: { ...process.env, ...env },
    })
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].on('data', (chunk) => {
        this.#output[name] += chunk
        this.#onOutput()
      })
    }
    this.ended = new Promise((resolve) => {
      child.on('close', (status, signal) => {
        resolve({ status, signal, ...this.#output })
        this.#onOutput()
      })
    })
    this.#child = child
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** The first line on stdout; fails when it ends without one. */
  async firstLine(): Promise<string> {
    while (!this.#output.stdout.includes('\n')) {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
        throw new Error(`ended without a line: ${this.#output.stderr}`)
      }
      await this.#more()
    }
    return this.#output.stdout.slice(0, this.#output.stdout.indexOf('\n'))
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#onOutput = resolve
    })
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  /** Tells it to end and waits; by force when it will not. */
  async end(name: NodeJS.Signals = 'SIGTERM'): Promise<Ended> {
    this.#child.kill(name)
    const force = setTimeout(() => this.#child.kill('SIGKILL'), 15_000)
    const ended = await this.ended
    clearTimeout(force)
    return ended
  }
}

/** Runs it with a standard output that takes nothing. */
export async function runToFull(args: readonly string[]): Promise<Omit<Ended, 'stdout'>> {
  const full = await open('/dev/full', 'w')
  const child = spawn(process.execPath, [COMMAND, ...args], { stdio: ['ignore', full.fd, 'pipe'] })
  let stderr = ''
  child.stderr?.on('data', (chunk) => {
    stderr += chunk
  })
  const [status, signal] = await once(child, 'close')
  await full.close()
  return { status, signal, stderr }
}
