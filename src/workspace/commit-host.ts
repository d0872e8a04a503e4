import type { FileSpace } from '../engine/disk/file-space'
import type { Jobs } from './jobs'
import type { UndoStore } from './undo-store'

/** What commits take of the application that they run in. */
export interface CommitHost {
  readonly jobs: Jobs
  readonly undos: UndoStore
  readonly space: FileSpace
}
