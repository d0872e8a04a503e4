import { CSPProvider } from '@base-ui/react/csp-provider'
import { Tooltip } from '@base-ui/react/tooltip'
import { ConnectionBanner } from './panes/connection-banner'
import { Dialogs } from './panes/dialogs/dialogs'
import { DropZone } from './panes/drop-zone'
import { StatusBar } from './panes/status-bar'
import { TitleBar } from './panes/title-bar'
import { Welcome } from './panes/welcome'
import { Workbench } from './panes/workbench'
import type { App as AppHandle } from './state/app'
import { AppProvider, useActiveSession, useAppState } from './state/use-app'
import { type ToastManager, Toasts } from './widgets/toasts'
import './app.css'

interface AppProps {
  readonly app: AppHandle
  readonly toasts: ToastManager
}

export function App({ app, toasts }: AppProps) {
  return (
    <CSPProvider disableStyleElements>
      <AppProvider value={app}>
        <Tooltip.Provider delay={500}>
          <div className="app">
            <TitleBar />
            <ConnectionBanner />
            <Content />
            <StatusBar />
          </div>
          <Dialogs />
          <DropZone />
          <Toasts manager={toasts} />
        </Tooltip.Provider>
      </AppProvider>
    </CSPProvider>
  )
}

function Content() {
  const session = useActiveSession()
  const peer = useAppState((state) => state.peer)
  if (peer === undefined) return <main className="app-content" />
  if (session === undefined)
    return (
      <div className="app-content">
        <Welcome />
      </div>
    )
  return (
    <main className="app-content">
      <h1 className="visually-hidden">{session.image.name}</h1>
      <Workbench peer={peer} session={session} />
    </main>
  )
}
