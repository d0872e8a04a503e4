import { app, Menu } from 'electron'
import type { EventHub } from '../workspace/event-hub'
import type { Workspace } from '../workspace/workspace'
import { menuTemplate } from './menu-template'

/** Sets the application's menu, and again whenever the list of recent images has changed. */
export function keepMenu(workspace: Workspace, openRecent: (locator: string) => void): void {
  const hub: EventHub = workspace.hub
  const build = () => {
    const template = menuTemplate({
      platform: process.platform,
      appName: app.getName(),
      isPackaged: app.isPackaged,
      recent: workspace.recent,
      run: (action) => hub.emit('action.run', { action }),
      openRecent,
    })
    Menu.setApplicationMenu(Menu.buildFromTemplate(template))
  }
  build()
  hub.subscribe((name) => {
    if (name === 'session.opened') build()
  })
}
