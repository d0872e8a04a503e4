import { useApp, useAppState } from '../state/use-app'
import { Button } from '../widgets/button'
import { Problem } from '../widgets/problem'

/** Stands across the page while the host cannot be reached: what is shown may be old. */
export function ConnectionBanner() {
  const app = useApp()
  const connection = useAppState((state) => state.connection)
  if (connection.kind !== 'waiting' && connection.kind !== 'lost') return null
  const gaveUp = connection.kind === 'lost'
  return (
    <div className="connection-banner">
      <Problem tone={gaveUp ? 'problem' : 'warning'}>
        {gaveUp ? 'The host cannot be reached' : 'The connection to the host is lost'}:{' '}
        {connection.why}. Open images and staged changes stay with the host.
      </Problem>
      <Button small onClick={() => app.reconnect()}>
        Try now
      </Button>
    </div>
  )
}
