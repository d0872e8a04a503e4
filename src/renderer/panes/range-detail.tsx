import {
  CELL_CLASSES,
  type CellDetail,
  type ClassBytes,
  type SessionInfo,
} from '../../bridge/model'
import type { ByteRange } from '../../engine/base/ranges'
import {
  formatExact,
  formatHex,
  formatPercent,
  formatSize,
  groupDigits,
} from '../../engine/base/size-text'
import { SECTOR_BYTES } from '../actions/goto-grammar'
import { goTo } from '../actions/navigate'
import { messageOf } from '../state/app'
import { useAnswer } from '../state/use-answer'
import { useApp } from '../state/use-app'
import { CLASS_TITLES } from '../widgets/class-words'
import { type Fact, FactList } from '../widgets/fact-list'
import { Problem } from '../widgets/problem'
import { Section } from '../widgets/section'
import { Swatch } from '../widgets/swatch'

interface RangeDetailProps {
  readonly session: SessionInfo
  readonly range: ByteRange
  readonly title: string
}

export function RangeDetail({ session, range, title }: RangeDetailProps) {
  const { offset, length } = range
  const params = { session: session.id, offset, length }
  const answer = useAnswer('map.detail', params, session.epoch)
  const detail = answer.got?.value
  return (
    <div className={detail !== undefined && !answer.fresh ? 'stale' : undefined}>
      <Section title={title}>
        <FactList facts={placeFacts(detail ?? range, detail)} />
        {answer.error !== undefined && (
          <div className="sidebar-note">
            <Problem>{messageOf(answer.error)}</Problem>
          </div>
        )}
        {detail && <ClassSplit bytes={detail.bytes} length={detail.length} />}
      </Section>
      {detail && <ExtentList detail={detail} />}
    </div>
  )
}

function placeFacts({ offset, length }: ByteRange, detail: CellDetail | undefined): Fact[] {
  const partition = detail?.partition
  const name = partition && (partition.name === '' ? partition.type : partition.name)
  return [
    { name: 'Offset', value: <Hex value={offset} />, title: formatExact(offset) },
    { name: 'Ends before', value: <Hex value={offset + length} /> },
    { name: 'Length', value: `${formatSize(length, 2)} (${groupDigits(length)})` },
    {
      name: 'LBA',
      value: <span className="mono">{groupDigits(Math.floor(offset / SECTOR_BYTES))}</span>,
    },
    {
      name: 'Partition',
      value: partition === undefined ? 'none' : `${partition.number}: ${name}`,
      ...(partition && { title: partition.type }),
    },
  ]
}

const Hex = ({ value }: { readonly value: number }) => (
  <span className="mono">{formatHex(value)}</span>
)

function ClassSplit({ bytes, length }: { readonly bytes: ClassBytes; readonly length: number }) {
  const shown = CELL_CLASSES.filter((name) => bytes[name] > 0)
  return (
    <ul className="class-split" aria-label="Exact split">
      {shown.map((name) => (
        <li key={name} data-class={name} data-bytes={bytes[name]}>
          <Swatch of={name} />
          <span>{CLASS_TITLES[name]}</span>
          <span className="mono num">{groupDigits(bytes[name])}</span>
          <span className="mono num class-percent">{formatPercent(bytes[name], length)}</span>
        </li>
      ))}
    </ul>
  )
}

function ExtentList({ detail }: { readonly detail: CellDetail }) {
  const app = useApp()
  const { extents, moreExtents } = detail
  const count = `${extents.length}${moreExtents ? '+' : ''}`
  return (
    <Section title="Extents in it" aside={<span className="mono">{count}</span>}>
      <ul className="extent-list">
        {extents.map((extent) => (
          <li key={extent.offset}>
            <button
              type="button"
              className="extent-row"
              title={`Go to ${formatHex(extent.offset)}`}
              onClick={() => goTo(app, extent.offset)}
            >
              <Swatch of={extent.type} />
              <span>{extent.type}</span>
              <span className="mono num">{formatHex(extent.offset)}</span>
              <span className="mono num">{formatSize(extent.length, 2)}</span>
            </button>
          </li>
        ))}
      </ul>
      {moreExtents && (
        <p className="side-more">The first {extents.length}; all are under Extents.</p>
      )}
    </Section>
  )
}
