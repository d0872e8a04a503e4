import type { Socket } from 'node:net'

/**
 * The descriptor of a connected socket of the system's own. Node has no name for it that is public; where
 * it is not found (Windows, a socket that is encrypted or gone) there is nothing.
 */
export function descriptorOf(socket: Socket): number | undefined {
  const fd = (socket as { readonly _handle?: { readonly fd?: number } })._handle?.fd
  return fd === undefined || fd < 0 ? undefined : fd
}
