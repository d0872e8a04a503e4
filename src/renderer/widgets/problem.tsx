import { CircleCheck, CircleX, TriangleAlert } from 'lucide-react'
import type { ReactNode } from 'react'

interface ProblemProps {
  readonly tone?: 'problem' | 'warning' | 'good'
  readonly children: ReactNode
}

const ICONS = { problem: CircleX, warning: TriangleAlert, good: CircleCheck }

/** A sentence at the place of the action that it is about; read out when it appears. */
export function Problem({ tone = 'problem', children }: ProblemProps) {
  const Icon = ICONS[tone]
  return (
    <div className={`problem ${tone}`} role={tone === 'problem' ? 'alert' : 'status'}>
      <Icon size={15} aria-hidden />
      <div>{children}</div>
    </div>
  )
}
