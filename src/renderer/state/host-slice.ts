// The host behind the page: how the connection stands, who answers, and what it keeps for the person.

import type { StateCreator } from 'zustand'
import type { HostInfo, RecentImage, Settings } from '../../bridge/model'
import type { Peer } from '../../bridge/peer'
import type { ConnectionState } from '../host/keep-connected'
import type { AppState } from './app-state'

export interface HostSlice {
  readonly connection: ConnectionState
  /** The peer of the newest connection. Another one after a reconnect, so that streams open anew. */
  readonly peer: Peer | undefined
  readonly host: Pick<HostInfo, 'host' | 'platform' | 'version' | 'nativeDialogs'> | undefined
  readonly recent: readonly RecentImage[]
  readonly settings: Settings
  setConnection(connection: ConnectionState): void
  setPeer(peer: Peer): void
  setSettings(settings: Settings): void
  setRecent(recent: readonly RecentImage[]): void
}

export const hostSlice: StateCreator<AppState, [], [], HostSlice> = (set) => ({
  connection: { kind: 'connecting', attempt: 0 },
  peer: undefined,
  host: undefined,
  recent: [],
  settings: { theme: 'system', blockSize: 65536, bytesPerRow: 16 },
  setConnection: (connection) => set({ connection }),
  setPeer: (peer) => set({ peer }),
  setSettings: (settings) => set({ settings }),
  setRecent: (recent) => set({ recent }),
})
