import { useApp, useAppState } from '../state/use-app'
import { Button } from '../widgets/button'
import { Problem } from '../widgets/problem'

/** A connection that is back at once is not worth moving the page for. */
const MIN_ATTEMPT = 2

/** Stands across the page while the host cannot be reached: what is shown may be old. */
export function ConnectionBanner() {
  const app = useApp()
  const connection = useAppState((state) => state.connection)
  const gaveUp = connection.kind === 'lost'
  if (!gaveUp && (connection.kind !== 'waiting' || connection.attempt < MIN_ATTEMPT)) return null
  return (
    <div className="connection-banner">
      <Problem tone={gaveUp ? 'problem' : 'warning'}>
        {gaveUp ? 'The host cannot be reached' : 'The connection to the host is lost'}:{' '}
        {connection.why}. What is open there stays open.
      </Problem>
      <Button small onClick={() => app.reconnect()}>
        Try now
      </Button>
    </div>
  )
}
