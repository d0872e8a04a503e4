import { app } from 'electron'
import type { SessionInfo } from '../bridge/model'
import type { EventHub } from '../workspace/event-hub'

/** Tells the system which files were opened, for its own lists: the dock, the taskbar. */
export function shareRecentDocuments(hub: EventHub): void {
  hub.subscribe((name, data) => {
    if (name !== 'session.opened') return
    const { image } = data as SessionInfo
    if (image.kind === 'file') app.addRecentDocument(image.locator)
  })
}
