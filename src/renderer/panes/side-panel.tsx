import { Tabs } from '@base-ui/react/tabs'
import { useDeferredValue } from 'react'
import type { SessionInfo } from '../../bridge/model'
import { groupDigits } from '../../engine/base/size-text'
import { useApp, useAppState } from '../state/use-app'
import { SIDE_TABS, type SideTab } from '../state/views-slice'
import { ActivityPane } from './activity-pane'
import { ExtentsPane } from './extents-pane'
import { InspectorPane } from './inspector-pane'
import { ServePane } from './serve/serve-pane'
import { StagedPane } from './staged-pane'
import './side-panel.css'

const TITLES: Readonly<Record<SideTab, string>> = {
  inspector: 'Inspector',
  staged: 'Staged',
  extents: 'Extents',
  serve: 'Serve',
  activity: 'Activity',
}

const PANES: Readonly<Record<SideTab, (props: { session: SessionInfo }) => React.ReactNode>> = {
  inspector: InspectorPane,
  staged: StagedPane,
  extents: ExtentsPane,
  serve: ServePane,
  activity: ActivityPane,
}

interface SidePanelProps {
  readonly session: SessionInfo
}

export function SidePanel(props: SidePanelProps) {
  // A session changes with every frame while clients write: tables and charts come after the map.
  const session = useDeferredValue(props.session)
  const app = useApp()
  const tab = useAppState((state) => state.sideTab)
  const exports = useAppState((state) => state.exports)
  const served = exports.filter((each) => each.session === session.id).length
  const counts: Partial<Record<SideTab, number>> = { staged: session.stagedRuns, serve: served }
  return (
    <Tabs.Root
      className="side-panel"
      value={tab}
      onValueChange={(next) => app.store.getState().showTab(next as SideTab)}
    >
      <Tabs.List className="side-tabs" activateOnFocus>
        {SIDE_TABS.map((each) => (
          <Tabs.Tab key={each} value={each} className="side-tab">
            {TITLES[each]}
            {(counts[each] ?? 0) > 0 && (
              <span className="side-count" aria-hidden>
                {groupDigits(counts[each] ?? 0)}
              </span>
            )}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      {SIDE_TABS.map((each) => {
        const Pane = PANES[each]
        return (
          <Tabs.Panel key={each} value={each} className="side-body" tabIndex={-1}>
            <Pane key={session.id} session={session} />
          </Tabs.Panel>
        )
      })}
    </Tabs.Root>
  )
}
