// What the image is made of, as two bars of the same length: the classes of the base, and what is staged
// over them.

import { memo } from 'react'
import { Bar, BarChart, XAxis, YAxis } from 'recharts'
import {
  BASE_CLASSES,
  CELL_CLASSES,
  type CellClass,
  type ClassBytes,
  type SessionInfo,
} from '../../bridge/model'
import { formatPercent } from '../../engine/base/size-text'
import { useSampled } from '../heatmap/use-live-text'
import { CLASS_TITLES } from '../widgets/class-words'
import { Section } from '../widgets/section'
import { useSize } from '../widgets/use-size'

const HEIGHT = 52
const FILLS: Readonly<Record<CellClass, string>> = {
  data: 'var(--map-data)',
  zero: 'var(--map-zero)',
  hole: 'var(--map-hole)',
  unknown: 'var(--map-unknown)',
  written: 'var(--map-staged)',
  zeroed: 'color-mix(in srgb, var(--map-staged) 55%, var(--map-ground))',
}

export function CompositionChart({ session }: { readonly session: SessionInfo }) {
  const [ref, { width }] = useSize<HTMLDivElement>()
  const { image } = session
  // Totals change with every frame while clients write; the chart may lag behind the legend by a few.
  const totals = useSampled(session.totals)
  const words = CELL_CLASSES.map(
    (name) => `${CLASS_TITLES[name].toLowerCase()} ${formatPercent(totals[name], image.size)}`,
  )
  return (
    <Section title="Composition">
      <div className="composition" ref={ref} role="img" aria-label={words.join(', ')}>
        {width > 0 && <Bars totals={totals} size={image.size} width={width} />}
      </div>
    </Section>
  )
}

interface BarsProps {
  readonly totals: ClassBytes
  readonly size: number
  readonly width: number
}

const Bars = memo(function Bars({ totals, size, width }: BarsProps) {
  const base = Object.fromEntries(BASE_CLASSES.map((name) => [name, totals[name]]))
  const bars = [
    { name: 'image', ...base },
    { name: 'staged', written: totals.written, zeroed: totals.zeroed },
  ]
  return (
    <BarChart
      width={width}
      height={HEIGHT}
      data={bars}
      layout="vertical"
      barCategoryGap={5}
      margin={{ top: 0, right: 0, bottom: 0, left: 0 }}
      accessibilityLayer={false}
    >
      <XAxis type="number" domain={[0, size]} hide />
      <YAxis
        type="category"
        dataKey="name"
        width={44}
        axisLine={false}
        tickLine={false}
        tick={{ fill: 'var(--text-dim)', fontSize: 11 }}
      />
      {CELL_CLASSES.map((name) => (
        <Bar
          key={name}
          dataKey={name}
          stackId="one"
          fill={FILLS[name]}
          stroke="var(--line-strong)"
          strokeWidth={totals[name] > 0 ? 0.5 : 0}
          minPointSize={totals[name] > 0 ? 1 : 0}
          isAnimationActive={false}
        />
      ))}
    </BarChart>
  )
})
