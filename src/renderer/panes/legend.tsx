import { BASE_CLASSES, type CellClass, type SessionInfo, STAGED_CLASSES } from '../../bridge/model'
import { formatExact, formatPercent, formatSize } from '../../engine/base/size-text'
import { useApp, useView } from '../state/use-app'
import { CLASS_MEANINGS, CLASS_TITLES } from '../widgets/class-words'
import { Section } from '../widgets/section'
import { Swatch } from '../widgets/swatch'

/** Exact bytes of every class. A row that is pressed dims the other classes on the map. */
export function Legend({ session }: { readonly session: SessionInfo }) {
  const app = useApp()
  const solo = useView(session.id, (view) => view.solo)
  const { size } = session.image
  const toggle = (name: CellClass) =>
    app.store.getState().changeView(session.id, { solo: solo === name ? undefined : name })
  const row = (name: CellClass) => (
    <li key={name}>
      <LegendRow
        name={name}
        bytes={session.totals[name]}
        size={size}
        alone={solo === name}
        onToggle={() => toggle(name)}
      />
    </li>
  )
  return (
    <Section title="Legend" aside={session.surveyed < 1 && <Surveyed part={session.surveyed} />}>
      <ul aria-label="The image">{BASE_CLASSES.map(row)}</ul>
      <p className="legend-over">Staged over it</p>
      <ul aria-label="Staged over it">{STAGED_CLASSES.map(row)}</ul>
    </Section>
  )
}

const Surveyed = ({ part }: { readonly part: number }) => (
  <span>surveyed {formatPercent(part, 1)}</span>
)

interface LegendRowProps {
  readonly name: CellClass
  readonly bytes: number
  readonly size: number
  readonly alone: boolean
  readonly onToggle: () => void
}

function LegendRow({ name, bytes, size, alone, onToggle }: LegendRowProps) {
  return (
    <button
      type="button"
      className="legend-row"
      data-class={name}
      data-bytes={bytes}
      data-none={bytes === 0 || undefined}
      aria-pressed={alone}
      title={`${CLASS_MEANINGS[name]}\n${formatExact(bytes)} of ${formatExact(size)}`}
      onClick={onToggle}
    >
      <Swatch of={name} />
      <span className="legend-name">{CLASS_TITLES[name]}</span>
      <span className="mono num">{formatSize(bytes, 2)}</span>
      <span className="mono num legend-percent">{formatPercent(bytes, size)}</span>
    </button>
  )
}
