import { PlatterError } from '../base/errors'
import type { ListenAddress } from '../nbd/transport'

/** `unix:/run/disk.sock`, `127.0.0.1:10809`, `[::1]:10809`; for messages. */
export function nameOfAddress(address: ListenAddress): string {
  if (address.kind === 'unix') return `unix:${address.path.replace(/^\0/, '@')}`
  const host = address.host.includes(':') ? `[${address.host}]` : address.host
  return `${host}:${address.port}`
}

/** What the kernel's address structure holds, less the byte that ends the path. */
const MAX_SOCKET_PATH = process.platform === 'linux' ? 107 : 103

export function checkSocketPath(path: string): void {
  const length = Buffer.byteLength(path)
  if (length > MAX_SOCKET_PATH) {
    throw new PlatterError(
      'LIMIT',
      `${path}: a socket path has at most ${MAX_SOCKET_PATH} bytes, this one has ${length}`,
    )
  }
}
