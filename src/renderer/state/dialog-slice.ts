// The one dialog that is open. What stands in it is the dialog's own until it is done.

import type { StateCreator } from 'zustand'
import type { ExportId, SessionId } from '../../bridge/model'
import type { ByteRange } from '../../engine/base/ranges'
import type { AppState } from './app-state'

export type DialogState =
  | { readonly kind: 'palette' }
  | { readonly kind: 'shortcuts' }
  | { readonly kind: 'settings' }
  | { readonly kind: 'about' }
  | { readonly kind: 'open-image' }
  | { readonly kind: 'open-nbd'; readonly uri: string }
  | { readonly kind: 'goto'; readonly session: SessionId }
  | { readonly kind: 'base-changed'; readonly locator: string; readonly why: string }
  | { readonly kind: 'undo-commit'; readonly session: SessionId }
  | { readonly kind: 'keep-overlay'; readonly session: SessionId }
  | { readonly kind: 'checkpoints'; readonly session: SessionId }
  | { readonly kind: 'compare'; readonly session: SessionId }
  | { readonly kind: 'recover'; readonly session: SessionId }
  | { readonly kind: 'save-as'; readonly session: SessionId }
  | { readonly kind: 'serve'; readonly session: SessionId }
  | { readonly kind: 'stop-export'; readonly session: SessionId; readonly export: ExportId }
  | { readonly kind: 'commit'; readonly session: SessionId }
  | { readonly kind: 'discard-all'; readonly session: SessionId }
  | { readonly kind: 'discard-range'; readonly session: SessionId; readonly range: ByteRange }
  | { readonly kind: 'zero-range'; readonly session: SessionId; readonly range: ByteRange }
  | { readonly kind: 'close-staged'; readonly session: SessionId }

export interface DialogSlice {
  readonly dialog: DialogState | undefined
  openDialog(dialog: DialogState): void
  closeDialog(): void
}

export const dialogSlice: StateCreator<AppState, [], [], DialogSlice> = (set) => ({
  dialog: undefined,
  openDialog: (dialog) => set({ dialog }),
  closeDialog: () => set({ dialog: undefined }),
})
