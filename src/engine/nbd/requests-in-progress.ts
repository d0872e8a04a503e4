// The client's requests from submission to answer: those that wait in line, those that were sent, by
// cookie in the order of sending, and those that timed out and whose answer is still owed. Says which
// may go next; knows nothing of sockets and time.

import { MAX_CLIENT_BYTES, MAX_CLIENT_REQUESTS, MAX_OVERDUE } from './limits'
import type { PendingRequest } from './pending-request'

export class RequestsInProgress {
  readonly #sent = new Map<number, PendingRequest>()
  readonly #waiting = new Set<PendingRequest>()
  readonly #overdue = new Set<PendingRequest>()
  /** Payload bytes of what was sent and is not overdue. */
  #bytes = 0
  #lastCookie = 0

  get waitingCount(): number {
    return this.#waiting.size
  }

  /** Somebody waits for it: in line, or sent and neither answered, given up nor overdue. */
  get awaitedCount(): number {
    let count = this.#waiting.size
    for (const request of this.#sent.values()) if (!request.isAbandoned) count++
    return count
  }

  /** One more late answer would be too many. */
  get isOverdueFull(): boolean {
    return this.#overdue.size >= MAX_OVERDUE
  }

  add(request: PendingRequest): void {
    this.#waiting.add(request)
  }

  /** The first in line, when there is room for it: it counts as sent with the cookie that comes with it. */
  takeNext(): { readonly cookie: number; readonly request: PendingRequest } | undefined {
    for (const request of this.#waiting) {
      if (!this.#hasRoomFor(request)) return undefined
      this.#waiting.delete(request)
      this.#lastCookie++
      this.#sent.set(this.#lastCookie, request)
      this.#bytes += request.payloadLength
      return { cookie: this.#lastCookie, request }
    }
    return undefined
  }

  #hasRoomFor(request: PendingRequest): boolean {
    if (this.#sent.size - this.#overdue.size >= MAX_CLIENT_REQUESTS) return false
    return this.#bytes + request.payloadLength <= MAX_CLIENT_BYTES || this.#bytes === 0
  }

  find(cookie: number): PendingRequest | undefined {
    return this.#sent.get(cookie)
  }

  isWaiting(request: PendingRequest): boolean {
    return this.#waiting.has(request)
  }

  /** Takes it out of the line; false when it has been sent. */
  withdraw(request: PendingRequest): boolean {
    return this.#waiting.delete(request)
  }

  onAnswered(cookie: number, request: PendingRequest): void {
    this.#sent.delete(cookie)
    if (!this.#overdue.delete(request)) this.#bytes -= request.payloadLength
  }

  /** Its answer may come late; others may use its room meanwhile. */
  noteOverdue(request: PendingRequest): void {
    this.#overdue.add(request)
    this.#bytes -= request.payloadLength
  }

  /** Those that can still miss a deadline, in the order of sending, then of the line. */
  punctual(): PendingRequest[] {
    const all = [...this.#sent.values(), ...this.#waiting]
    return this.#overdue.size === 0 ? all : all.filter((request) => !this.#overdue.has(request))
  }

  /** Forgets all of them. */
  clear(): { readonly sent: PendingRequest[]; readonly waiting: PendingRequest[] } {
    const all = { sent: [...this.#sent.values()], waiting: [...this.#waiting] }
    this.#sent.clear()
    this.#waiting.clear()
    this.#overdue.clear()
    return all
  }
}
