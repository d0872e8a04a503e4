// What goes on on the session's disk: bytes a second over the last two minutes.

import { memo, useEffect, useMemo, useRef, useState } from 'react'
import { Area, AreaChart, CartesianGrid, XAxis, YAxis } from 'recharts'
import type { ActivityTick, SessionInfo } from '../../bridge/model'
import { formatSize, groupDigits } from '../../engine/base/size-text'
import { messageOf } from '../state/app'
import { useAnswer } from '../state/use-answer'
import { useApp, useAppState } from '../state/use-app'
import { FactList } from '../widgets/fact-list'
import { Problem } from '../widgets/problem'
import { Section } from '../widgets/section'
import { useSize } from '../widgets/use-size'
import {
  type ActivityPoint,
  activitySeries,
  activityTotals,
  axisEnd,
  SPAN_STEPS,
} from './activity-series'
import './activity-pane.css'

const NO_TICKS: readonly ActivityTick[] = []
const CHART_HEIGHT = 120

export function ActivityPane({ session }: { readonly session: SessionInfo }) {
  const app = useApp()
  const ticks = useAppState((state) => state.activity[session.id]) ?? NO_TICKS
  const history = useAnswer('activity.history', { session: session.id })
  const heard = history.got?.value.ticks
  useEffect(() => {
    if (heard !== undefined) app.store.getState().putTicks(session.id, heard)
  }, [app, heard, session.id])
  const sample = useSample(ticks)
  const points = useMemo(() => activitySeries(sample.ticks, sample.now), [sample])
  const totals = activityTotals(sample.ticks)
  const now = points.at(-1)
  return (
    <div className="side-scroll">
      {history.error !== undefined && (
        <div className="sidebar-note">
          <Problem>{messageOf(history.error)}</Problem>
        </div>
      )}
      <RateChart title="Read" points={points} of="read" colour="var(--map-data)" />
      <RateChart title="Written" points={points} of="written" colour="var(--map-dirty)" />
      <Section title="In the last minutes">
        <FactList
          facts={[
            { name: 'Read', value: formatSize(totals.read, 2) },
            { name: 'Written', value: formatSize(totals.written, 2) },
            { name: 'Zeroed', value: formatSize(totals.zeroed, 2) },
            { name: 'Trimmed', value: formatSize(totals.trimmed, 2) },
            { name: 'Requests', value: groupDigits(totals.requests) },
            { name: 'Requests a second', value: groupDigits(now?.requests ?? 0) },
          ]}
        />
      </Section>
    </div>
  )
}

/** The ticks as they are once a second: what is drawn are whole seconds. */
function useSample(ticks: readonly ActivityTick[]) {
  const latest = useRef(ticks)
  latest.current = ticks
  const [sample, setSample] = useState(() => ({ ticks, now: Date.now() }))
  useEffect(() => {
    const take = () => setSample({ ticks: latest.current, now: Date.now() })
    const timer = setInterval(take, 1000)
    return () => clearInterval(timer)
  }, [])
  return sample
}

interface RateChartProps {
  readonly title: string
  readonly points: readonly ActivityPoint[]
  readonly of: 'read' | 'written'
  readonly colour: string
}

const RateChart = memo(function RateChart({ title, points, of, colour }: RateChartProps) {
  const [ref, { width }] = useSize<HTMLDivElement>()
  const end = axisEnd(Math.max(...points.map((point) => point[of])))
  const rate = `${formatSize(points.at(-1)?.[of] ?? 0)}/s`
  return (
    <Section title={title} aside={<span className="mono">{rate}</span>}>
      <div className="rate-chart" ref={ref} role="img" aria-label={`${title}, now ${rate}`}>
        {width > 0 && (
          <AreaChart
            width={width}
            height={CHART_HEIGHT}
            data={[...points]}
            margin={{ top: 6, right: 0, bottom: 0, left: 0 }}
            accessibilityLayer={false}
          >
            <CartesianGrid vertical={false} stroke="var(--line)" />
            <XAxis
              dataKey="age"
              type="number"
              reversed
              domain={[0, SPAN_STEPS - 1]}
              ticks={[0, 30, 60, 90]}
              tickFormatter={(age: number) => (age === 0 ? 'now' : `−${age} s`)}
              tick={{ fill: 'var(--text-faint)', fontSize: 10 }}
              tickLine={false}
              axisLine={{ stroke: 'var(--line)' }}
              height={18}
            />
            <YAxis
              width={58}
              domain={[0, end]}
              ticks={[0, end / 2, end]}
              tickFormatter={(bytes: number) => (bytes === 0 ? '0' : `${formatSize(bytes)}/s`)}
              tick={{ fill: 'var(--text-faint)', fontSize: 10 }}
              tickLine={false}
              axisLine={false}
              orientation="right"
            />
            <Area
              dataKey={of}
              type="stepAfter"
              stroke={colour}
              strokeWidth={1}
              fill={colour}
              fillOpacity={0.25}
              dot={false}
              activeDot={false}
              isAnimationActive={false}
            />
          </AreaChart>
        )}
      </div>
    </Section>
  )
})
