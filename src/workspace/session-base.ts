// What a session commits to, open for writing, and what undo files call it.

import type { BaseIdentity } from '../engine/formats/add-cow/add-cow-header'
import { FileDisk } from '../engine/io/file-disk'
import { identifyBase } from './base-identity'
import { type CommitBase, FileBase } from './commit-base'
import type { CommitHost } from './commit-host'
import type { Session } from './session'

export interface SessionBase {
  readonly base: CommitBase
  /** Closes it; as it is now is how it is known from here on. */
  release(): Promise<void>
}

/** Rejects with TARGET_CHANGED, IN_USE or NO_PERMISSION, nothing changed. */
export async function openSessionBase(
  session: Session,
  { space }: CommitHost,
): Promise<SessionBase> {
  const { kept, image } = session
  if (kept !== undefined) {
    const base = await FileBase.open(space, kept.lasting.image.path)
    const release = async () => {
      await base.close()
      await image.accept()
    }
    return { base, release }
  }
  const { disk, release } = await image.openTarget()
  const { locator } = image.info
  const isFile = disk instanceof FileDisk
  const identify = async () => (isFile ? identifyBase(space, locator, disk) : unknown(disk.size))
  return { base: { locator, isFile, disk, identify }, release }
}

/** Of what a server has, nobody can tell whether it is the same. */
const unknown = (size: number): BaseIdentity => ({
  size,
  modifiedNs: 0n,
  inode: 0n,
  device: 0n,
  sampleHash: new Uint8Array(32),
})
