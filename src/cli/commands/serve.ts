import { resolve } from 'node:path'
import { DEFAULT_BLOCK_SIZE } from '../../workspace/block-size'
import { type ServeImageOptions, serveImage } from '../../workspace/serve-image'
import { errorLine } from '../failure'
import { isLoopback } from '../loopback'
import { print } from '../print'
import { aborted, catchStopSignals, unlessStopped } from '../stop-signals'

export interface ServeOptions {
  readonly socket?: string
  readonly port?: number
  readonly bind?: string
  readonly name: string
  readonly cow?: boolean
  readonly writable?: boolean
  readonly blockSize?: number
  readonly format?: string
}

const NBD_PORT = 10809
const LOOPBACK = '127.0.0.1'

export async function runServe(image: string, options: ServeOptions): Promise<void> {
  const { asked, insisted } = catchStopSignals()
  const mode = options.writable ? 'writable' : options.cow ? 'cow' : 'read-only'
  if (options.bind !== undefined && !isLoopback(options.bind)) {
    process.stderr.write(errorLine(warningOf(options.bind, mode)))
  }
  await unlessStopped(asked, async () => {
    const served = await serveImage({
      locator: image,
      format: options.format,
      address: addressOf(options),
      exportName: options.name,
      mode,
      blockSize: options.blockSize ?? DEFAULT_BLOCK_SIZE,
      signal: asked,
    })
    try {
      await print(`${served.uri}\n`)
      await aborted(asked)
    } finally {
      await served.stop(insisted)
    }
  })
}

function addressOf(options: ServeOptions): ServeImageOptions['address'] {
  // Absolute, so that the URI leads there from every directory.
  if (options.socket !== undefined) return { kind: 'unix', path: resolve(options.socket) }
  return { kind: 'tcp', host: options.bind ?? LOOPBACK, port: options.port ?? NBD_PORT }
}

function warningOf(address: string, mode: ServeImageOptions['mode']): string {
  const can = mode === 'read-only' ? 'read the image' : 'read and write'
  return `warning: ${address} is not a loopback address, and there is no authentication: whoever reaches the port can ${can}`
}
