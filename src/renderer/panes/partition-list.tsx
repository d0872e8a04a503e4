import type { PartitionInfo, SessionInfo } from '../../bridge/model'
import { endOf } from '../../engine/base/ranges'
import { formatExact, formatHex, formatSize } from '../../engine/base/size-text'
import { goTo } from '../actions/navigate'
import { useApp, useView } from '../state/use-app'
import { Problem } from '../widgets/problem'
import { Section } from '../widgets/section'

const SCHEME_WORDS = { gpt: 'GPT', mbr: 'MBR', none: 'no table' } as const

export function PartitionList({ session }: { readonly session: SessionInfo }) {
  const app = useApp()
  const cursor = useView(session.id, (view) => view.cursor)
  const { scheme, partitions, problems } = session.partitions
  const holds = (partition: PartitionInfo) =>
    cursor.offset >= partition.offset && cursor.offset < endOf(partition)
  return (
    <Section title="Partitions" aside={<span>{SCHEME_WORDS[scheme]}</span>}>
      <ul>
        {partitions.map((partition) => (
          <li key={partition.number}>
            <PartitionRow
              partition={partition}
              here={holds(partition)}
              onGo={() => goTo(app, partition.offset)}
            />
          </li>
        ))}
      </ul>
      {partitions.length === 0 && <p className="sidebar-empty">None found</p>}
      {problems.map((problem) => (
        <div className="sidebar-note" key={problem}>
          <Problem tone="warning">{problem}</Problem>
        </div>
      ))}
    </Section>
  )
}

interface PartitionRowProps {
  readonly partition: PartitionInfo
  readonly here: boolean
  readonly onGo: () => void
}

function PartitionRow({ partition, here, onGo }: PartitionRowProps) {
  const { number, name, type, fileSystem, offset, length } = partition
  const title = `${type}\n${formatHex(offset)} – ${formatHex(offset + length - 1)}\n${formatExact(length)}`
  return (
    <button
      type="button"
      className="partition-row"
      aria-current={here ? 'location' : undefined}
      title={title}
      onClick={onGo}
    >
      <span className="partition-number mono">{number}</span>
      <span className="partition-name">{name === '' ? type : name}</span>
      <span className="partition-fs">{fileSystem ?? ''}</span>
      <span className="mono num">{formatSize(length)}</span>
    </button>
  )
}
