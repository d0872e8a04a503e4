import type { ExportId, ExportInfo } from '../../../bridge/model'
import type { App } from '../../state/app'

export async function stopExport(app: App, id: ExportId): Promise<void> {
  await app.request('export.stop', { export: id })
  app.store.getState().dropExport(id)
}

/** At once when nobody is connected; else the question comes first. */
export async function askToStop(app: App, info: ExportInfo): Promise<void> {
  if (info.clients.length === 0) return stopExport(app, info.id)
  app.store.getState().openDialog({ kind: 'stop-export', session: info.session, export: info.id })
}
