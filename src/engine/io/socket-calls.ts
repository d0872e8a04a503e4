// Bytes into and out of a connected socket past Node's streams, without waiting: what there is room for,
// what has arrived. Out of a file in the page cache they go without a copy: the socket takes the file's
// pages themselves. Linux only. Whoever calls these sees to it that Node holds nothing of its own that
// would have to go, or be read, first.

import { constants } from 'node:os'
import { hasHoleCalls } from './hole-libc'

const { EAGAIN, EINTR } = constants.errno
const MSG_DONTWAIT = 0x40
const MSG_NOSIGNAL = 0x4000
const SOL_SOCKET = 1
const SO_SNDBUF = 7

export interface SocketCalls {
  /** Bytes taken, 0 when there is no room. Throws with the errno's `code` when the connection is gone. */
  send(socket: number, bytes: Uint8Array): number
  /** Bytes taken; 0 when there is no room; -1 when the file gave nothing: it ends there. */
  sendFile(socket: number, file: number, offset: number, length: number): number
  /** Bytes that have arrived, into `target`; 0 when there are none, and also at the end or on failure. */
  receive(socket: number, target: Uint8Array): number
  /** Asks for a send buffer of so many bytes; the system may give less. */
  setSendBuffer(socket: number, bytes: number): void
}

/** `undefined` where the system has none of it. */
export async function loadSocketCalls(): Promise<SocketCalls | undefined> {
  if (!hasHoleCalls()) return undefined
  try {
    const koffi = (await import('koffi')).default
    const libc = koffi.load(null)
    const send = libc.func('long send(int fd, void *bytes, long length, int flags)')
    const recv = libc.func('long recv(int fd, void *bytes, long length, int flags)')
    const sendfile = libc.func('long sendfile(int to, int from, void *offset, long count)')
    const setsockopt = libc.func(
      'int setsockopt(int fd, int level, int option, void *value, uint32_t length)',
    )
    const position = new BigInt64Array(1)
    const errorOf = (call: string) => {
      const errno = koffi.errno()
      if (errno === EAGAIN || errno === EINTR) return undefined
      const code = Object.entries(constants.errno).find(([, value]) => value === errno)?.[0]
      return Object.assign(new Error(`${call} failed: ${code ?? errno}`), { code: code ?? 'EIO' })
    }
    return {
      send: (socket, bytes) => {
        const taken = send(socket, bytes, bytes.length, MSG_DONTWAIT | MSG_NOSIGNAL) as number
        if (taken >= 0) return taken
        const error = errorOf('send')
        if (error !== undefined) throw error
        return 0
      },
      sendFile: (socket, file, offset, length) => {
        position[0] = BigInt(offset)
        const taken = sendfile(socket, file, position, length) as number
        if (taken > 0) return taken
        if (taken === 0) return -1
        const error = errorOf('sendfile')
        if (error !== undefined) throw error
        return 0
      },
      // The end of the stream, or its failure, is there for Node to find as well.
      receive: (socket, target) =>
        Math.max(0, recv(socket, target, target.length, MSG_DONTWAIT) as number),
      setSendBuffer: (socket, bytes) => {
        // Refused or cut to the system's limit, the connection works all the same.
        setsockopt(socket, SOL_SOCKET, SO_SNDBUF, Int32Array.of(bytes), 4)
      },
    }
  } catch {
    return undefined
  }
}
