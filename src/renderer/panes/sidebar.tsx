import type { SessionInfo } from '../../bridge/model'
import { CompositionChart } from './composition-chart'
import { ImageFacts } from './image-facts'
import { Legend } from './legend'
import { PartitionList } from './partition-list'
import './sidebar.css'

export function Sidebar({ session }: { readonly session: SessionInfo }) {
  return (
    <aside className="sidebar" aria-label="Image">
      <ImageFacts session={session} />
      <PartitionList session={session} />
      <Legend session={session} />
      <CompositionChart session={session} />
    </aside>
  )
}
