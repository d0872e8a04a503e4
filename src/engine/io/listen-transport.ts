// Listens on a Unix socket or a TCP port and hands out a Transport for each connection.
//
// A Unix socket is readable and writable by its owner only, from its first moment. A socket file that
// is there already is removed when nobody answers on it any more; a live one, or a file that is not a
// socket, is left alone and refused. TCP binds the host that was given and no other.

import { lstat, readFile, readlink, unlink } from 'node:fs/promises'
import type { AddressInfo, Server, Socket } from 'node:net'
import { connect, createServer } from 'node:net'
import { dirname } from 'node:path'
import { PlatterError } from '../base/errors'
import type { ListenAddress, Listener, Transport } from '../nbd/transport'
import { checkSocketPath, nameOfAddress } from './socket-address'
import { loadSocketCalls } from './socket-calls'
import { SEND_BUFFER, SocketTransport } from './socket-transport'

/** How long an existing socket may take to show that somebody is there. */
const PROBE_TIMEOUT_MS = 1_000

/** Rejects with ADDRESS_IN_USE, ALREADY_EXISTS, NO_PERMISSION, NOT_FOUND, LIMIT or IO_ERROR. */
export async function listenTransport(
  address: ListenAddress,
  onTransport: (transport: Transport) => void,
): Promise<Listener> {
  if (address.kind === 'unix') await clearStaleSocket(address.path)
  const name = nameOfAddress(address)
  const server = await startServer(name, onTransport, (made) => listen(made, address))
  return listenerOf(server, boundAddress(server, address))
}

/** Takes over a socket that listens already, opened by whoever started this process. */
export async function listenInherited(
  fd: number,
  onTransport: (transport: Transport) => void,
): Promise<Listener> {
  const server = await startServer(`descriptor ${fd}`, onTransport, (made) => made.listen({ fd }))
  const bound = server.address()
  if (bound === null || typeof bound === 'string') {
    return listenerOf(server, { kind: 'unix', path: bound || (await pathOfSocket(fd)) })
  }
  return listenerOf(server, { kind: 'tcp', host: bound.address, port: bound.port })
}

/** The kernel knows where a Unix socket was bound, and Node does not ask it. Empty when nobody says. */
async function pathOfSocket(fd: number): Promise<string> {
  try {
    const inode = /^socket:\[(\d+)\]$/.exec(await readlink(`/proc/self/fd/${fd}`))?.[1]
    const lines = (await readFile('/proc/net/unix', 'utf8')).split('\n')
    const fields = lines.map((line) => line.trim().split(/ +/)).find((field) => field[6] === inode)
    return (fields?.slice(7).join(' ') ?? '').replace(/^@/, '\0')
  } catch {
    return ''
  }
}

async function startServer(
  name: string,
  onTransport: (transport: Transport) => void,
  listenNow: (server: Server) => void,
): Promise<Server> {
  const calls = await loadSocketCalls()
  const server = createServer({ highWaterMark: SEND_BUFFER }, (socket) => {
    onTransport(new SocketTransport(socket, nameOfPeer(socket, name), false, calls))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(cannotListen(name, error)))
    server.once('listening', resolve)
    try {
      listenNow(server)
    } catch (error) {
      // A descriptor that is no socket is told at once.
      reject(cannotListen(name, error as NodeJS.ErrnoException))
    }
  })
  server.removeAllListeners('error')
  // A connection that could not be accepted (too many open files) is that client's loss only.
  server.on('error', () => undefined)
  return server
}

const listenerOf = (server: Server, address: ListenAddress): Listener => ({
  address,
  /** Accepts no more and frees the address at once; connections go on until their owners end them. */
  close: async () => {
    server.close()
  },
})

function listen(server: Server, address: ListenAddress): void {
  if (address.kind === 'tcp') {
    server.listen({ host: address.host, port: address.port })
    return
  }
  // The file is made while listen() runs, with the mode that the mask leaves of 0777.
  const mask = process.umask(0o177)
  try {
    server.listen({ path: address.path })
  } finally {
    process.umask(mask)
  }
}

function boundAddress(server: Server, asked: ListenAddress): ListenAddress {
  if (asked.kind === 'unix') return asked
  const { port } = server.address() as AddressInfo
  return { kind: 'tcp', host: asked.host, port }
}

function nameOfPeer(socket: Socket, listener: string): string {
  const { remoteAddress, remotePort } = socket
  if (remoteAddress === undefined || remotePort === undefined) return listener
  return nameOfAddress({ kind: 'tcp', host: remoteAddress, port: remotePort })
}

/** Removes a socket file that nobody listens on any more; refuses anything else that is there. */
async function clearStaleSocket(path: string): Promise<void> {
  checkSocketPath(path)
  // A name in Linux's abstract namespace has no file, and is free again when its owner is gone.
  if (path.startsWith('\0')) return
  await lstat(dirname(path)).catch((error: NodeJS.ErrnoException) => {
    throw cannotListen(`unix:${path}`, error)
  })
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw cannotListen(`unix:${path}`, error)
  })
  if (found === undefined) return
  if (!found.isSocket()) {
    throw new PlatterError('ALREADY_EXISTS', `unix:${path}: a file that is no socket is in the way`)
  }
  const answer = await probe(path)
  if (answer !== 'ECONNREFUSED') {
    const why = answer === 'connected' ? 'somebody listens there' : `it cannot be tried (${answer})`
    throw new PlatterError('ADDRESS_IN_USE', `unix:${path}: the socket is in use: ${why}`)
  }
  await unlink(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw cannotListen(`unix:${path}`, error)
  })
}

function probe(path: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ path })
    const settle = (answer: string) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(answer)
    }
    const timer = setTimeout(() => settle('no answer'), PROBE_TIMEOUT_MS)
    socket.on('connect', () => settle('connected'))
    socket.on('error', (error: NodeJS.ErrnoException) => settle(error.code ?? error.message))
  })
}

function cannotListen(name: string, error: NodeJS.ErrnoException): PlatterError {
  const options = { cause: error, data: { errno: error.code ?? '' } }
  switch (error.code) {
    case 'EADDRINUSE':
      return new PlatterError('ADDRESS_IN_USE', `${name}: the address is in use`, options)
    case 'EACCES':
    case 'EPERM':
      return new PlatterError('NO_PERMISSION', `${name}: no permission to listen there`, options)
    case 'ENOENT':
      return new PlatterError('NOT_FOUND', `${name}: its directory does not exist`, options)
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new PlatterError('NOT_FOUND', `${name}: not an address of this machine`, options)
    default:
      return new PlatterError('IO_ERROR', `${name}: cannot listen: ${error.message}`, options)
  }
}
