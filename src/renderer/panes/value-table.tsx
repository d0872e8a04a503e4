import type { SessionInfo } from '../../bridge/model'
import { formatHex } from '../../engine/base/size-text'
import { messageOf } from '../state/app'
import { useAnswer } from '../state/use-answer'
import { FactList } from '../widgets/fact-list'
import { Problem } from '../widgets/problem'
import { Section } from '../widgets/section'
import { INSPECTED_BYTES, type InspectedNumber, inspectBytes } from './inspect-bytes'

interface ValueTableProps {
  readonly session: SessionInfo
  readonly offset: number
}

/** What the bytes at the cursor can mean. */
export function ValueTable({ session, offset }: ValueTableProps) {
  const length = Math.min(INSPECTED_BYTES, session.image.size - offset)
  const params = { session: session.id, offset, length }
  const answer = useAnswer('bytes.read', length > 0 ? params : undefined, session.epoch)
  const bytes = answer.got?.bytes
  const inspection = bytes && inspectBytes(bytes)
  return (
    <Section title="Value" aside={<span className="mono">{formatHex(offset)}</span>}>
      {answer.error !== undefined && (
        <div className="sidebar-note">
          <Problem>{messageOf(answer.error)}</Problem>
        </div>
      )}
      {inspection && (
        <div className={answer.fresh ? undefined : 'stale'}>
          <NumberTable numbers={inspection.numbers} />
          <FactList
            facts={inspection.values.map(({ name, value }) => ({
              name,
              value: <span className="mono">{value}</span>,
              title: value,
            }))}
          />
        </div>
      )}
    </Section>
  )
}

function NumberTable({ numbers }: { readonly numbers: readonly InspectedNumber[] }) {
  return (
    <table className="number-table">
      <thead>
        <tr>
          <th scope="col">type</th>
          <th scope="col">little-endian</th>
          <th scope="col">big-endian</th>
        </tr>
      </thead>
      <tbody>
        {numbers.map(({ name, little, big }) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td className="mono">{little}</td>
            <td className="mono">{big}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
