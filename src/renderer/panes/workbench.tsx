// The three columns under the title bar: facts, the two big views, and what is looked up beside them.

import { Group, Panel, Separator, useDefaultLayout } from 'react-resizable-panels'
import type { SessionInfo } from '../../bridge/model'
import type { Peer } from '../../bridge/peer'
import { ErrorBoundary } from '../widgets/error-boundary'
import { HexPane } from './hex-pane'
import { MapPane } from './map-pane'
import { SidePanel } from './side-panel'
import { Sidebar } from './sidebar'
import './workbench.css'

interface WorkbenchProps {
  readonly peer: Peer
  readonly session: SessionInfo
}

export function Workbench({ peer, session }: WorkbenchProps) {
  const columns = useDefaultLayout({ id: 'platter.columns', storage: localStorage })
  const rows = useDefaultLayout({ id: 'platter.rows', storage: localStorage })
  return (
    <Group className="workbench" orientation="horizontal" {...columns}>
      <Panel
        id="facts"
        defaultSize="17.5%"
        minSize={220}
        maxSize={400}
        groupResizeBehavior="preserve-pixel-size"
      >
        <Sidebar session={session} />
      </Panel>
      <Separator className="splitter across" aria-label="Width of the facts" />
      <Panel id="views" minSize={280}>
        <Group orientation="vertical" {...rows}>
          <Panel id="map" minSize={90} defaultSize="52%">
            <ErrorBoundary key={session.id} what="The map">
              <MapPane peer={peer} session={session} />
            </ErrorBoundary>
          </Panel>
          <Separator className="splitter along" aria-label="Height of the map" />
          <Panel id="bytes" minSize={90}>
            <ErrorBoundary key={session.id} what="The bytes">
              <HexPane peer={peer} session={session} />
            </ErrorBoundary>
          </Panel>
        </Group>
      </Panel>
      <Separator className="splitter across" aria-label="Width of the inspector" />
      <Panel
        id="side"
        defaultSize="26.5%"
        minSize={290}
        maxSize={640}
        groupResizeBehavior="preserve-pixel-size"
      >
        <ErrorBoundary what="The panel">
          <SidePanel session={session} />
        </ErrorBoundary>
      </Panel>
    </Group>
  )
}
