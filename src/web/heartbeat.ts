// Finds out that a page is gone when no packet says so: a cable pulled, a machine asleep, an ssh that
// hangs. Pings on a beat; when between two beats neither a pong came nor any of the bytes that wait were
// taken, the connection is cut. A slow line with a large frame on its way is therefore not cut.

import type { WebSocket } from 'ws'
import type { Clock } from '../engine/base/clock'

export const BEAT_MS = 15_000

export function keepAlive(socket: WebSocket, clock: Clock): void {
  let answered = true
  let unsent = 0
  const beat = () => {
    const moved = socket.bufferedAmount < unsent
    if (!answered && !moved) {
      socket.terminate()
      return
    }
    answered = false
    unsent = socket.bufferedAmount
    socket.ping()
    callOff = clock.after(BEAT_MS, beat)
  }
  let callOff = clock.after(BEAT_MS, beat)
  socket.on('pong', () => {
    answered = true
  })
  socket.once('close', () => callOff())
}
