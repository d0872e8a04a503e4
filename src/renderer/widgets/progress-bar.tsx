import { Progress } from '@base-ui/react/progress'

interface ProgressBarProps {
  readonly label: string
  readonly done: number
  readonly total: number
}

export function ProgressBar({ label, done, total }: ProgressBarProps) {
  const percent = total > 0 ? (done / total) * 100 : 0
  return (
    <Progress.Root value={percent} aria-label={label}>
      <Progress.Track className="progress-track">
        <Progress.Indicator className="progress-value" />
      </Progress.Track>
    </Progress.Root>
  )
}
