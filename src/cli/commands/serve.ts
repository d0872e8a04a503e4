import { once } from 'node:events'
import { type ServeImageOptions, serveImage } from '../../workspace/serve-image'

interface ServeOptions {
  readonly socket?: string
  readonly port?: number
  readonly bind?: string
  readonly name: string
  readonly cow?: boolean
  readonly writable?: boolean
  readonly blockSize: number
  readonly format?: string
}

const NBD_PORT = 10809
const LOOPBACK = '127.0.0.1'

export async function runServe(image: string, options: ServeOptions): Promise<void> {
  const stopSignal = stopped()
  const served = await serveImage({
    locator: image,
    format: options.format,
    address: addressOf(options),
    exportName: options.name,
    mode: options.writable ? 'writable' : options.cow ? 'cow' : 'read-only',
    blockSize: options.blockSize,
  })
  process.stdout.write(`${served.uri}\n`)
  await stopSignal
  await served.stop()
}

function addressOf(options: ServeOptions): ServeImageOptions['address'] {
  if (options.socket !== undefined) return { kind: 'unix', path: options.socket }
  return { kind: 'tcp', host: options.bind ?? LOOPBACK, port: options.port ?? NBD_PORT }
}

/** Resolves at SIGTERM, SIGINT or SIGHUP. Listening from the start, so that none is missed. */
const stopped = (): Promise<unknown> =>
  Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT'), once(process, 'SIGHUP')])
