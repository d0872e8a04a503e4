import type { SessionInfo } from '../../../bridge/model'
import type { ByteRange } from '../../../engine/base/ranges'
import { alignDown, alignUp } from '../../../engine/base/ranges'
import { formatHex, formatSize } from '../../../engine/base/size-text'
import { discardRanges } from '../../actions/discard'
import { useAnswer } from '../../state/use-answer'
import { useApp } from '../../state/use-app'
import { Button } from '../../widgets/button'
import { DialogFrame } from '../../widgets/dialog-frame'
import { Problem } from '../../widgets/problem'
import { useAttempt } from '../../widgets/use-attempt'

interface DiscardRangeDialogProps {
  readonly session: SessionInfo
  readonly range: ByteRange
  readonly onClose: () => void
}

/** A selection is discarded in whole staging blocks: which ones, is said before. */
export function DiscardRangeDialog({ session, range, onClose }: DiscardRangeDialogProps) {
  const app = useApp()
  const attempt = useAttempt()
  const blocks = wholeBlocks(range, session)
  const params = { session: session.id, ...blocks }
  const detail = useAnswer('map.detail', params, session.epoch).got?.value
  const staged = detail && detail.bytes.written + detail.bytes.zeroed
  const discard = () =>
    attempt.start(async () => {
      await discardRanges(app, session.id, [range])
      onClose()
    })
  return (
    <DialogFrame
      title="Discard what is staged in the selection?"
      onClose={onClose}
      onSubmit={discard}
      footer={
        <>
          <Button onClick={onClose}>Keep</Button>
          <Button look="danger" type="submit" disabled={attempt.pending || !staged}>
            {staged === undefined ? 'Discard' : `Discard ${formatSize(staged)}`}
          </Button>
        </>
      }
    >
      <p>
        Staging works in blocks of {formatSize(session.blockSize)}: all blocks from{' '}
        <span className="mono">{formatHex(blocks.offset)}</span> up to{' '}
        <span className="mono">{formatHex(blocks.offset + blocks.length)}</span> read as the image
        does again. {staged === 0 && 'Nothing is staged there.'}
      </p>
      {attempt.problem !== undefined && <Problem>{attempt.problem}</Problem>}
    </DialogFrame>
  )
}

function wholeBlocks({ offset, length }: ByteRange, { blockSize, image }: SessionInfo): ByteRange {
  const start = alignDown(offset, blockSize)
  const end = Math.min(alignUp(offset + length, blockSize), image.size)
  return { offset: start, length: end - start }
}
