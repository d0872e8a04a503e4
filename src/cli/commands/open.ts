import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { startWebHost } from '../../web/web-host'
import { Workspace } from '../../workspace/workspace'
import { findAppDir } from '../app-dir'
import { type ElectronFound, findElectron } from '../find-electron'
import { VERSION } from '../version'

interface OpenOptions {
  readonly web?: boolean
  readonly port?: number
}

export async function runOpen(images: readonly string[], options: OpenOptions): Promise<void> {
  const electron: ElectronFound =
    options.web || options.port !== undefined
      ? { why: 'asked for' }
      : findElectron(findAppDir(), process)
  if ('path' in electron) return await openWindow(electron.path, images)
  await openPage(images, options.port, electron.why)
}

async function openWindow(electron: string, images: readonly string[]): Promise<void> {
  // Chromium's sandbox refuses to run as root; the page stays isolated from Node either way.
  const asRoot = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  const child = spawn(electron, [...asRoot, findAppDir(), ...images], { stdio: 'inherit' })
  const [code] = (await once(child, 'exit')) as [number | null]
  process.exitCode = code ?? 1
}

async function openPage(
  images: readonly string[],
  port: number | undefined,
  why: string,
): Promise<void> {
  const stop = Promise.race([
    once(process, 'SIGTERM'),
    once(process, 'SIGINT'),
    once(process, 'SIGHUP'),
  ])
  const workspace = await Workspace.create({ version: VERSION })
  try {
    for (const image of images) await workspace.open(image)
    const host = await startWebHost({
      workspace,
      rendererDir: join(findAppDir(), 'out', 'renderer'),
      ...(port === undefined ? {} : { port }),
    })
    process.stderr.write(`platter: the window is a page in your browser (${why}); Ctrl+C ends it\n`)
    process.stdout.write(`${host.url}\n`)
    await stop
    await host.close()
  } finally {
    await workspace.close()
  }
}
