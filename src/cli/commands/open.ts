import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join, resolve } from 'node:path'
import { PlatterError } from '../../engine/base/errors'
import { startWebHost } from '../../web/web-host'
import { answerPage } from '../../workspace/answer-page'
import { isFileLocator } from '../../workspace/locators'
import { Workspace } from '../../workspace/workspace'
import { findAppDir } from '../app-dir'
import { type ElectronFound, findElectron } from '../find-electron'
import { print } from '../print'
import { aborted, catchStopSignals, unlessStopped } from '../stop-signals'
import { VERSION } from '../version'

export interface OpenOptions {
  readonly web?: boolean
  readonly port?: number
}

export async function runOpen(images: readonly string[], options: OpenOptions): Promise<void> {
  const { asked } = catchStopSignals()
  const electron: ElectronFound =
    options.web || options.port !== undefined
      ? { why: 'asked for' }
      : findElectron(findAppDir(), process)
  if ('path' in electron) return await openWindow(electron.path, images, asked)
  const { why } = electron
  await unlessStopped(asked, () => openPage(images, options.port, why, asked))
}

/** The window's own exit status becomes this command's. */
async function openWindow(
  electron: string,
  images: readonly string[],
  asked: AbortSignal,
): Promise<void> {
  // Chromium's sandbox refuses to run as root; the page stays isolated from Node either way.
  const asRoot = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  if (images.includes('')) throw new PlatterError('NOT_FOUND', 'the name of the image is empty')
  // Absolute, so that a name that begins with a dash cannot be taken for a switch of Chromium's.
  const locators = images.map((image) => (isFileLocator(image) ? resolve(image) : image))
  const child = spawn(electron, [...asRoot, findAppDir(), ...locators], { stdio: 'inherit' })
  asked.addEventListener('abort', () => child.kill('SIGTERM'))
  try {
    const [code] = (await once(child, 'exit')) as [number | null]
    process.exitCode = code ?? 1
  } catch (cause) {
    const { message } = cause as Error
    throw new PlatterError('IO_ERROR', `${electron}: cannot be started: ${message}`, { cause })
  }
}

async function openPage(
  images: readonly string[],
  port: number | undefined,
  why: string,
  asked: AbortSignal,
): Promise<void> {
  const workspace = await Workspace.create({ version: VERSION })
  try {
    for (const image of images) await workspace.open(image, { signal: asked })
    const host = await startWebHost({
      clock: workspace.clock,
      answer: (channel, services) => answerPage(workspace, channel, services),
      rendererDir: join(findAppDir(), 'out', 'renderer'),
      ...(port === undefined ? {} : { port }),
    })
    process.stderr.write(`platter: the window is a page in your browser (${why}); Ctrl+C ends it\n`)
    try {
      await print(`${host.url}\n`)
      await aborted(asked)
    } finally {
      await host.close()
    }
  } finally {
    await workspace.close()
  }
}
