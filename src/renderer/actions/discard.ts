import type { SessionId } from '../../bridge/model'
import type { ByteRange } from '../../engine/base/ranges'
import type { App } from '../state/app'
import { forgetEdits } from './undo-edit'

/** Lets go of the staged blocks that the ranges touch; resolves to the bytes that were let go. */
export async function discardRanges(
  app: App,
  session: SessionId,
  ranges: readonly ByteRange[],
): Promise<number> {
  const { value } = await app.request('stage.discard', { session, ranges })
  return value.bytes
}

/** Everything; with it go the edits that could be undone. */
export async function discardAll(app: App, session: SessionId): Promise<number> {
  const { value } = await app.request('stage.discard', { session })
  forgetEdits(app, session)
  return value.bytes
}
