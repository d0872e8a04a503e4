// What may be sent a second time after its connection was lost:
// - What never left us: anything.
// - What has no effects (read, status, cache): always.
// - What the server answered with NBD_ESHUTDOWN: it is done with it, so the same bytes again leave the same.
// - A change that was sent and not answered: never. The server may still hold it, and carry it out after
//   a newer write to the same bytes. It fails, saying that its outcome is not known.
// - A flush: see client-link.ts, which knows what it would have covered.

import { PlatterError } from '../base/errors'
import * as nbd from './constants'

/** A request that brings a server down would otherwise do it for ever. */
export const MAX_RESENDS = 3

export type Effect = 'none' | 'change' | 'stable change' | 'flush'

export function effectOf(command: number, flags: number): Effect {
  if (command === nbd.NBD_CMD_FLUSH) return 'flush'
  if (command === nbd.NBD_CMD_CACHE) return 'none'
  return (flags & nbd.NBD_CMD_FLAG_FUA) === 0 ? 'change' : 'stable change'
}

/** The connection failed the request, and not the server or the caller. */
export function isLoss(error: unknown): error is PlatterError {
  if (!(error instanceof PlatterError)) return false
  // That changes are lost is for the caller to know, not for another try.
  if (error.data['lost'] !== undefined) return false
  return error.code === 'DISCONNECTED' || isUnsent(error)
}

export function mayRepeat(effect: Effect, error: PlatterError): boolean {
  if (effect === 'none' || effect === 'flush' || isUnsent(error)) return true
  return error.data['errno'] === nbd.NBD_ESHUTDOWN
}

export function unknownOutcome(effect: Effect, error: PlatterError): PlatterError {
  if (effect === 'none') return error
  const { code, message, data } = error
  const why = 'whether it was carried out is not known'
  return new PlatterError(code, `${message}: ${why}`, { cause: error, data })
}

const isUnsent = (error: PlatterError): boolean => error.data['unsent'] === true
