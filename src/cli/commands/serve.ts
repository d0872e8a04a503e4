import { resolve } from 'node:path'
import { PlatterError } from '../../engine/base/errors'
import { isLoopback } from '../../engine/base/loopback'
import { DEFAULT_BLOCK_SIZE } from '../../workspace/block-size'
import { inheritedAddress, type ServeImageOptions, serveImage } from '../../workspace/serve-image'
import { errorLine } from '../failure'
import { print } from '../print'
import { aborted, catchStopSignals, unlessStopped } from '../stop-signals'

export interface ServeOptions {
  readonly socket?: string
  readonly port?: number
  readonly bind?: string
  readonly name: string
  readonly cow?: boolean
  readonly overlay?: string
  readonly acceptBase?: boolean
  readonly copyOnRead?: boolean
  readonly copyOnCache?: boolean
  readonly writable?: boolean
  readonly blockSize?: number
  readonly format?: string
  readonly tls?: 'off' | 'on' | 'require'
  readonly tlsCertificates?: string
  readonly tlsPsk?: string
  readonly tlsVerifyPeer?: boolean
  readonly log?: string
}

const NBD_PORT = 10809
const LOOPBACK = '127.0.0.1'

export async function runServe(image: string, options: ServeOptions): Promise<void> {
  const { asked, insisted } = catchStopSignals()
  const mode = modeOf(options)
  const tls = tlsOf(options)
  const address = inheritedAddress() ?? addressOf(options)
  const place = options.socket ?? options.port ?? options.bind
  if (address.kind === 'inherited' && place !== undefined) {
    const why = 'this process was given a socket to listen on (LISTEN_FDS)'
    throw new PlatterError('BAD_REQUEST', `--socket, --port and --bind are of no use: ${why}`)
  }
  const isProtected = tls?.mode === 'required' && (tls.verifyPeer || tls.pskFile !== undefined)
  if (address.kind === 'tcp' && !isLoopback(address.host) && !isProtected) {
    process.stderr.write(errorLine(warningOf(address.host, mode)))
  }
  await unlessStopped(asked, async () => {
    const served = await serveImage({
      locator: image,
      format: options.format,
      address,
      tls,
      exportName: options.name,
      mode,
      overlay: options.overlay === undefined ? undefined : resolve(options.overlay),
      acceptBase: options.acceptBase,
      copyOnRead: options.copyOnRead,
      copyOnCache: options.copyOnCache,
      blockSize: options.blockSize ?? DEFAULT_BLOCK_SIZE,
      log: logOf(options),
      signal: asked,
    })
    try {
      const { warning } = served
      if (warning !== undefined) process.stderr.write(errorLine(`warning: ${warning}`))
      await print(`${served.uri}\n`)
      await aborted(asked)
    } finally {
      await served.stop(insisted)
    }
  })
}

function modeOf(options: ServeOptions): ServeImageOptions['mode'] {
  if (options.writable) return 'writable'
  if (options.overlay !== undefined) return 'overlay'
  return options.cow ? 'cow' : 'read-only'
}

function addressOf(options: ServeOptions): ServeImageOptions['address'] {
  // Absolute, so that the URI leads there from every directory.
  if (options.socket !== undefined) return { kind: 'unix', path: resolve(options.socket) }
  return { kind: 'tcp', host: options.bind ?? LOOPBACK, port: options.port ?? NBD_PORT }
}

function logOf({ log }: ServeOptions): ServeImageOptions['log'] {
  if (log === undefined) return undefined
  const onFailure = ({ message }: PlatterError) =>
    process.stderr.write(errorLine(`${message}; requests are served on without it`))
  return { path: log === '-' ? log : resolve(log), onFailure }
}

/** As nbdkit has it: keys alone mean that TLS is offered. */
function tlsOf(options: ServeOptions): ServeImageOptions['tls'] {
  const { tlsCertificates, tlsPsk, tlsVerifyPeer } = options
  const hasKeys = tlsCertificates !== undefined || tlsPsk !== undefined
  const tls = options.tls ?? (hasKeys ? 'on' : 'off')
  if (tls === 'off') return undefined
  return {
    mode: tls === 'require' ? 'required' : 'optional',
    certificates: tlsCertificates,
    pskFile: tlsPsk,
    verifyPeer: tlsVerifyPeer,
  }
}

function warningOf(address: string, mode: ServeImageOptions['mode']): string {
  const can = mode === 'read-only' ? 'read the image' : 'read and write'
  return `warning: ${address} is not a loopback address, and there is no authentication: whoever reaches the port can ${can}`
}
