import type { JobInfo } from '../../../bridge/model'
import { openLocator } from '../../actions/open-image'
import { useApp } from '../../state/use-app'
import { JobDialog } from './job-dialog'

interface SaveProgressProps {
  readonly job: JobInfo
  readonly onClose: () => void
}

const WORDS = { running: 'Saving', done: 'Saved', failed: 'Not saved', cancelled: 'Not saved' }
const NOTHING_LEFT = 'Nothing is left of the copy.'
const AFTER = { done: '', failed: NOTHING_LEFT, cancelled: NOTHING_LEFT }

/** A copy that runs, or how it ended, with the offer to open it. */
export function SaveProgress({ job, onClose }: SaveProgressProps) {
  const app = useApp()
  const { file } = job
  const open = async (path: string) => {
    await openLocator(app, path)
    onClose()
  }
  return (
    <JobDialog
      job={job}
      words={WORDS}
      after={AFTER}
      onClose={onClose}
      use={file === undefined ? undefined : { text: 'Open it', run: () => open(file) }}
    />
  )
}
