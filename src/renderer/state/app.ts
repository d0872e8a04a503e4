// What actions and panes are handed: the state, the way to the host, and the few things of the page
// that are not state.

import type { Params, RequestName, Result, WithBytes } from '../../bridge/contract'
import type { PlatterDesktop } from '../../bridge/desktop-page'
import type { RequestOptions } from '../../bridge/peer'
import { PlatterError } from '../../engine/base/errors'
import type { AppStore } from './app-state'

/** Short messages at the edge of the window. What belongs to a dialog or a pane is said there instead. */
export interface Notices {
  problem(title: string, error: unknown): void
  info(title: string, text?: string): void
}

/** The two big views, by what can be focused in them. */
export type FocusTarget = 'map' | 'bytes'

export interface App {
  readonly store: AppStore
  readonly notices: Notices
  readonly desktop: PlatterDesktop | undefined
  request<N extends RequestName>(
    name: N,
    params: Params<N>,
    options?: RequestOptions,
  ): Promise<WithBytes<Result<N>>>
  /** Runs tasks one after the other; a task that fails does not stop those behind it. */
  inTurn<T>(task: () => Promise<T>): Promise<T>
  focus(target: FocusTarget): void
  copyText(text: string): Promise<void>
  /** Milliseconds; never goes back. */
  now(): number
  reconnect(): void
}

export function requestThrough(store: AppStore): App['request'] {
  return async (name, params, options) => {
    const { peer, connection } = store.getState()
    if (peer === undefined || connection.kind !== 'connected') {
      throw new PlatterError('DISCONNECTED', 'The host is not connected; nothing was done')
    }
    return await peer.request(name, params, options)
  }
}

export const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error)

export function makeQueue(): App['inTurn'] {
  let last: Promise<unknown> = Promise.resolve()
  return (task) => {
    const result = last.then(task)
    last = result.catch(() => undefined) // The caller holds `result` and hears of it.
    return result
  }
}
