// Starts Platter the way a person would, in one of its two hosts, from the bundles in out/.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import {
  type Browser,
  type ElectronApplication,
  _electron as electron,
  type Page,
} from '@playwright/test'

export type HostKind = 'browser' | 'desktop'

export interface LaunchOptions {
  /** Images to open at once; they stand on the command line. */
  readonly images: readonly string[]
  /** Settings, recent images and the like of this run alone. */
  readonly configDir: string
  readonly env?: Readonly<Record<string, string>>
}

export interface RunningHost {
  readonly page: Page
  /** In the desktop only: Electron's main process. */
  readonly app: ElectronApplication | undefined
  /** What the host wrote so far, for reports of failures. */
  output(): string
  close(): Promise<void>
}

const ROOT = join(import.meta.dirname, '..')
const START_LIMIT_MS = 30_000
/** Then the whole process group is ended, Chromium with it. */
const CLOSE_LIMIT_MS = 10_000

export async function launchInBrowser(
  browser: Browser,
  { images, configDir, env }: LaunchOptions,
): Promise<RunningHost> {
  const child = spawn(
    process.execPath,
    [join(ROOT, 'bin', 'platter.mjs'), 'open', '--web', ...images],
    {
      cwd: ROOT,
      env: { ...process.env, ...dirsOf(configDir), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  const output = collect(child)
  const url = await firstLine(child, output)
  const context = await browser.newContext({ permissions: ['clipboard-read', 'clipboard-write'] })
  const page = await context.newPage()
  await page.goto(url)
  return {
    page,
    app: undefined,
    output,
    async close() {
      await context.close()
      await end(child)
    },
  }
}

/** Nothing of a run is kept where a person's own is. */
const dirsOf = (configDir: string) => ({
  PLATTER_CONFIG_DIR: configDir,
  PLATTER_STATE_DIR: join(configDir, 'state'),
})

export async function launchOnDesktop(options: LaunchOptions): Promise<RunningHost> {
  const { images, configDir, env } = options
  const app = await electron.launch({
    executablePath: electronExecutable(),
    args: ['.', ...images],
    cwd: ROOT,
    env: { ...cleanEnv(), ...dirsOf(configDir), ...env },
  })
  const child = app.process()
  const output = collect(child)
  return {
    page: await app.firstWindow(),
    app,
    output,
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      const limit = setTimeout(() => process.kill(-child.pid!, 'SIGKILL'), CLOSE_LIMIT_MS)
      // Nobody sits in front of the question what to do with staged writes; app.exit asks nobody.
      app.evaluate(({ app: main }) => main.exit(0)).catch(() => undefined)
      await ended
      clearTimeout(limit)
    },
  }
}

/** The stand-in, or with PLATTER_ELECTRON=real the binary that the npm package has fetched. */
function electronExecutable(): string {
  if (process.env['PLATTER_ELECTRON'] !== 'real') {
    return join(ROOT, 'e2e', 'electron-standin', 'electron')
  }
  const dir = join(ROOT, 'node_modules', 'electron')
  const named = join(dir, 'path.txt')
  if (!existsSync(named)) throw new Error('there is no Electron binary: run `npx install-electron`')
  return join(dir, 'dist', readFileSync(named, 'utf8').trim())
}

/** Playwright takes no undefined values. */
function cleanEnv(): Record<string, string> {
  const entries = Object.entries(process.env).filter((entry) => entry[1] !== undefined)
  return Object.fromEntries(entries) as Record<string, string>
}

function collect(child: ChildProcess): () => string {
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (part: Buffer) => {
      text += part.toString()
    })
  }
  return () => text
}

async function firstLine(child: ChildProcess, output: () => string): Promise<string> {
  const lines = createInterface({ input: child.stdout! })
  const limit = AbortSignal.timeout(START_LIMIT_MS)
  const ended = once(child, 'exit', { signal: limit }).then(([code]) => {
    throw new Error(`the browser host ended with ${code}: ${output()}`)
  })
  const line = once(lines, 'line', { signal: limit }).then(([text]) => text as string)
  return Promise.race([line, ended]).finally(() => {
    ended.catch(() => undefined)
  })
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  await ended
}
