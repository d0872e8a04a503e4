import type { SessionInfo } from '../../../bridge/model'
import { formatExact, formatSize } from '../../../engine/base/size-text'
import { discardAll } from '../../actions/discard'
import { stagedBytes } from '../../state/app-state'
import { useAnswer } from '../../state/use-answer'
import { useApp } from '../../state/use-app'
import { Button } from '../../widgets/button'
import { countOf } from '../../widgets/count-words'
import { DialogFrame } from '../../widgets/dialog-frame'
import { Problem } from '../../widgets/problem'
import { useAttempt } from '../../widgets/use-attempt'
import { StagedSample } from './staged-sample'

interface DiscardAllDialogProps {
  readonly session: SessionInfo
  readonly onClose: () => void
}

export const SAMPLE_ROWS = 200

/** Names what is lost, down to the ranges. */
export function DiscardAllDialog({ session, onClose }: DiscardAllDialogProps) {
  const app = useApp()
  const attempt = useAttempt()
  const params = { session: session.id, first: 0, count: SAMPLE_ROWS }
  const list = useAnswer('stage.list', params, session.epoch).got?.value
  const { totals, image, stagedRuns } = session
  const bytes = stagedBytes(session)
  const discard = () =>
    attempt.start(async () => {
      await discardAll(app, session.id)
      onClose()
    })
  return (
    <DialogFrame
      title={`Discard everything staged in ${image.name}?`}
      onClose={onClose}
      onSubmit={discard}
      footer={
        <>
          <Button onClick={onClose}>Keep</Button>
          <Button look="danger" type="submit" disabled={attempt.pending || bytes === 0}>
            Discard {countOf(stagedRuns, 'range')} ({formatSize(bytes)})
          </Button>
        </>
      }
    >
      <p>
        {formatExact(totals.written)} that were written and {formatExact(totals.zeroed)} that were
        zeroed are lost, whoever staged them. This cannot be undone. {image.name} itself stays as it
        is.
      </p>
      <StagedSample rows={list?.rows ?? []} total={list?.total ?? 0} />
      {attempt.problem !== undefined && <Problem>{attempt.problem}</Problem>}
    </DialogFrame>
  )
}
