// Connects to a server. The socket reads into one buffer that is allocated once and used for every
// chunk: the parser takes the bytes out of it before the next ones come.

import type { Socket } from 'node:net'
import { connect } from 'node:net'
import { abortedError, PlatterError } from '../base/errors'
import type { ListenAddress, Transport } from '../nbd/transport'
import { checkSocketPath, nameOfAddress } from './socket-address'
import { loadSocketCalls } from './socket-calls'
import { SEND_BUFFER, SocketTransport } from './socket-transport'

export interface DialOptions {
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
}

/** Headers and short replies; most of a long one goes past it, into the buffer where it belongs. */
const RECEIVE_BUFFER = 16 * 1024

/** Rejects with NO_SERVER (why, and where), TIMEOUT or ABORTED. */
export async function dialTransport(
  address: ListenAddress,
  options: DialOptions,
): Promise<Transport> {
  const name = nameOfAddress(address)
  const { timeoutMs, signal } = options
  if (address.kind === 'unix') checkSocketPath(address.path)
  const calls = await loadSocketCalls()
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(abortedError(signal, `connection to ${name}`))
    let transport: SocketTransport | undefined
    const connectOptions = {
      ...(address.kind === 'unix'
        ? { path: address.path }
        : { host: address.host, port: address.port }),
      // Known to the stream below the socket, though not to the types of connect().
      writableHighWaterMark: SEND_BUFFER,
      onread: {
        buffer: new Uint8Array(RECEIVE_BUFFER),
        callback: (length: number, buffer: Uint8Array) => {
          transport?.receive(buffer.subarray(0, length))
          return true
        },
      },
    }
    const socket: Socket = connect(connectOptions)
    transport = new SocketTransport(socket, name, true, calls)
    const connected = transport
    const settle = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      socket.off('error', onError)
      socket.off('connect', onConnect)
    }
    const fail = (error: PlatterError): void => {
      settle()
      socket.destroy()
      reject(error)
    }
    const onError = (error: NodeJS.ErrnoException) => fail(noServer(name, error))
    const onAbort = () => fail(abortedError(signal as AbortSignal, `connection to ${name}`))
    const onConnect = () => {
      settle()
      resolve(connected)
    }
    const timer = setTimeout(() => {
      fail(new PlatterError('TIMEOUT', `${name}: no connection within ${timeoutMs} ms`))
    }, timeoutMs)
    signal?.addEventListener('abort', onAbort, { once: true })
    socket.on('error', onError)
    socket.on('connect', onConnect)
  })
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOENT: 'there is no such socket',
  ENOTSOCK: 'it is not a socket',
  EACCES: 'permission denied',
  ENOTFOUND: 'the host name is not known',
  EAI_AGAIN: 'the host name cannot be looked up now',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
  ETIMEDOUT: 'the host does not answer',
}

function noServer(name: string, error: NodeJS.ErrnoException): PlatterError {
  // Several addresses of one name were tried: the first failure speaks for them.
  const first = error instanceof AggregateError ? (error.errors[0] as NodeJS.ErrnoException) : error
  const code = first.code ?? ''
  const why = REASONS[code] ?? first.message
  return new PlatterError('NO_SERVER', `${name}: no connection: ${why}`, {
    cause: error,
    data: { errno: code },
  })
}
