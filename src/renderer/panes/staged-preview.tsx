import type { SessionInfo, StagedRun } from '../../bridge/model'
import { formatHex, groupDigits } from '../../engine/base/size-text'
import { messageOf } from '../state/app'
import { useAnswer } from '../state/use-answer'
import { Problem } from '../widgets/problem'

interface StagedPreviewProps {
  readonly session: SessionInfo
  readonly run: StagedRun
}

/** Before and after of one run, from the first byte that differs. */
export function StagedPreview({ session, run }: StagedPreviewProps) {
  const params = { session: session.id, offset: run.offset, length: run.length }
  const answer = useAnswer('stage.preview', params, session.epoch)
  const preview = answer.got?.value
  return (
    <section className="staged-preview" aria-label="What it changes">
      {answer.error !== undefined && <Problem>{messageOf(answer.error)}</Problem>}
      {preview && (
        <div className={answer.fresh ? undefined : 'stale'}>
          <p className="staged-summary">{summaryOf(preview, run)}</p>
          {preview.firstDifference !== undefined && (
            <dl className="staged-bytes">
              <dt>before</dt>
              <dd className="mono">
                <MarkedBytes bytes={pairs(preview.before)} other={pairs(preview.after)} />
              </dd>
              <dt>after</dt>
              <dd className="mono after">
                <MarkedBytes bytes={pairs(preview.after)} other={pairs(preview.before)} />
              </dd>
            </dl>
          )}
        </div>
      )}
    </section>
  )
}

const pairs = (hex: string): readonly string[] => hex.match(/[0-9a-f]{2}/gi) ?? []

interface Preview {
  readonly firstDifference?: number
  readonly differing: number
  readonly compared: number
}

function summaryOf(preview: Preview, run: StagedRun): string {
  const { firstDifference, differing, compared } = preview
  const part = compared < run.length ? `in the first ${groupDigits(compared)} bytes` : 'in all'
  if (firstDifference === undefined) return `Same as the image (${groupDigits(compared)} compared)`
  const bytes = differing === 1 ? '1 byte differs' : `${groupDigits(differing)} bytes differ`
  return `${bytes} ${part}, the first at ${formatHex(firstDifference)}`
}

interface MarkedBytesProps {
  readonly bytes: readonly string[]
  readonly other: readonly string[]
}

function MarkedBytes({ bytes, other }: MarkedBytesProps) {
  return bytes.map((byte, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: a byte is its place.
    <span key={index} className={byte === other[index] ? 'byte' : 'byte changed'}>
      {byte}
    </span>
  ))
}
