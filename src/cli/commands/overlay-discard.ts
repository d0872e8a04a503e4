import type { ByteRange } from '../../engine/base/ranges'
import { formatExact } from '../../engine/base/size-text'
import { discardStaged } from '../../workspace/overlay-actions'
import { print } from '../print'

export interface OverlayDiscardOptions {
  readonly range?: readonly ByteRange[]
  readonly acceptBase?: boolean
}

export async function runOverlayDiscard(
  file: string,
  { range, acceptBase }: OverlayDiscardOptions,
): Promise<void> {
  const bytes = await discardStaged(file, { ranges: range, acceptBase })
  await print(`${formatExact(bytes)} discarded\n`)
}
