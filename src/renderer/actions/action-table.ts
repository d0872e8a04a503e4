// What every action of bridge/actions.ts needs and does. Toolbar, menu, palette and shortcuts all come
// through here; a pane that offers an action names its id.

import type { ActionId } from '../../bridge/actions'
import type { Settings } from '../../bridge/model'
import { alignDown } from '../../engine/base/ranges'
import { formatHex } from '../../engine/base/size-text'
import type { App } from '../state/app'
import { type AppState, activeSession, stagedBytes } from '../state/app-state'
import { type SideTab, viewOf } from '../state/views-slice'
import { closeSession } from './close-session'
import { canZoom, zoomMap, zoomToFit } from './map-zoom'
import { goInHistory, goTo, goToNext } from './navigate'
import { chooseImage, openOrTell, SAMPLE_LOCATOR } from './open-image'
import { stepEdit } from './undo-edit'

export interface ActionBehaviour {
  enabled(state: AppState): boolean
  /** A rejection becomes a notice with the action's title. */
  run(app: App): void | Promise<void>
}

const always = () => true
const hasImage = (state: AppState) => activeSession(state) !== undefined
const viewInFront = (state: AppState) =>
  state.activeId === undefined ? undefined : viewOf(state, state.activeId)
const hasSelection = (state: AppState) => viewInFront(state)?.cursor.selection !== undefined
const hasStaged = (state: AppState) => {
  const session = activeSession(state)
  return session !== undefined && stagedBytes(session) > 0
}
const commits = (state: AppState) => activeSession(state)?.commitJob !== undefined

const sessionOf = (app: App) => app.store.getState().activeId

/** An action that does nothing without an image in front. */
const withImage =
  (run: (app: App, session: string) => void | Promise<void>) =>
  (app: App): void | Promise<void> => {
    const session = sessionOf(app)
    return session === undefined ? undefined : run(app, session)
  }

const openTab = (tab: SideTab): ActionBehaviour => ({
  enabled: hasImage,
  run: (app) => app.store.getState().showTab(tab),
})

const step = (what: 'extent' | 'staged', direction: 'next' | 'previous'): ActionBehaviour => ({
  enabled: what === 'extent' ? hasImage : hasStaged,
  run: (app) => goToNext(app, what, direction),
})

const setTheme = (theme: Settings['theme']): ActionBehaviour => ({
  enabled: (state) => state.settings.theme !== theme,
  run: async (app) => {
    const { value } = await app.request('settings.set', { settings: { theme } })
    app.store.getState().setSettings(value)
  },
})

const onSelection = (kind: 'zero-range' | 'discard-range'): ActionBehaviour['run'] =>
  withImage((app, session) => {
    const { selection } = viewOf(app.store.getState(), session).cursor
    if (selection !== undefined) {
      app.store.getState().openDialog({ kind, session, range: selection })
    }
  })

function selectBlock(app: App, id: string): void {
  const state = app.store.getState()
  const session = activeSession(state)
  if (session === undefined) return
  const { offset } = viewOf(state, id).cursor
  const start = alignDown(offset, session.blockSize)
  const length = Math.min(session.blockSize, session.image.size - start)
  state.changeView(id, { cursor: { offset, selection: { offset: start, length } } })
}

type ImageDialog =
  | 'goto'
  | 'serve'
  | 'commit'
  | 'undo-commit'
  | 'recover'
  | 'checkpoints'
  | 'discard-all'
  | 'save-as'
  | 'keep-overlay'
  | 'compare'

const openWithImage = (kind: ImageDialog) =>
  withImage((app, session) => app.store.getState().openDialog({ kind, session }))

const openPlain = (kind: 'palette' | 'shortcuts' | 'settings' | 'about') => (app: App) =>
  app.store.getState().openDialog({ kind })

export const ACTION_TABLE: Readonly<Record<ActionId, ActionBehaviour>> = {
  'file.open-image': { enabled: always, run: chooseImage },
  'file.open-nbd': {
    enabled: always,
    run: (app) => app.store.getState().openDialog({ kind: 'open-nbd', uri: '' }),
  },
  'file.open-sample': { enabled: always, run: (app) => openOrTell(app, SAMPLE_LOCATOR) },
  'file.save-as': { enabled: hasImage, run: openWithImage('save-as') },
  'file.keep': {
    enabled: (state) => {
      const session = activeSession(state)
      return session !== undefined && session.image.kind !== 'nbd' && session.lasting === undefined
    },
    run: openWithImage('keep-overlay'),
  },
  'file.compare': { enabled: hasImage, run: openWithImage('compare') },
  'file.settings': { enabled: always, run: openPlain('settings') },
  'file.close': { enabled: hasImage, run: withImage((app, id) => closeSession(app, id)) },

  'edit.undo': {
    enabled: (state) => (viewInFront(state)?.edits.undo.length ?? 0) > 0,
    run: (app) => stepEdit(app, 'undo'),
  },
  'edit.redo': {
    enabled: (state) => (viewInFront(state)?.edits.redo.length ?? 0) > 0,
    run: (app) => stepEdit(app, 'redo'),
  },
  'edit.copy-offset': {
    enabled: hasImage,
    run: withImage((app, id) => {
      const { offset } = viewOf(app.store.getState(), id).cursor
      const text = app.store.getState().radix === 16 ? formatHex(offset) : String(offset)
      return app.copyText(text)
    }),
  },
  'edit.select-block': { enabled: hasImage, run: withImage(selectBlock) },
  'edit.zero-selection': { enabled: hasSelection, run: onSelection('zero-range') },
  'edit.discard-selection': {
    enabled: (state) => hasSelection(state) && hasStaged(state) && !commits(state),
    run: onSelection('discard-range'),
  },

  'view.zoom-in': { enabled: (state) => canZoom(state, 'in'), run: (app) => zoomMap(app, 'in') },
  'view.zoom-out': { enabled: (state) => canZoom(state, 'out'), run: (app) => zoomMap(app, 'out') },
  'view.zoom-fit': { enabled: hasImage, run: withImage(zoomToFit) },
  'view.inspector': openTab('inspector'),
  'view.staged': openTab('staged'),
  'view.extents': openTab('extents'),
  'view.serve': { enabled: hasImage, run: (app) => app.store.getState().showServe('exports') },
  'view.activity': openTab('activity'),
  'view.requests': {
    enabled: hasImage,
    run: (app) => app.store.getState().showServe('requests'),
  },
  'view.focus-map': { enabled: hasImage, run: (app) => app.focus('map') },
  'view.focus-hex': { enabled: hasImage, run: (app) => app.focus('bytes') },
  'view.radix': {
    enabled: always,
    run: (app) => app.store.setState((state) => ({ radix: state.radix === 16 ? 10 : 16 })),
  },
  'view.theme-system': setTheme('system'),
  'view.theme-light': setTheme('light'),
  'view.theme-dark': setTheme('dark'),

  'go.offset': { enabled: hasImage, run: openWithImage('goto') },
  'go.back': {
    enabled: (state) => (viewInFront(state)?.history.back.length ?? 0) > 0,
    run: (app) => goInHistory(app, 'back'),
  },
  'go.forward': {
    enabled: (state) => (viewInFront(state)?.history.forward.length ?? 0) > 0,
    run: (app) => goInHistory(app, 'forward'),
  },
  'go.next-extent': step('extent', 'next'),
  'go.previous-extent': step('extent', 'previous'),
  'go.next-staged': step('staged', 'next'),
  'go.previous-staged': step('staged', 'previous'),
  'go.start': { enabled: hasImage, run: (app) => goTo(app, 0) },
  'go.end': { enabled: hasImage, run: (app) => goTo(app, Number.MAX_SAFE_INTEGER) },

  'session.commit': { enabled: hasStaged, run: openWithImage('commit') },
  'session.undo-commit': {
    enabled: (state) => activeSession(state)?.undo !== undefined && !commits(state),
    run: openWithImage('undo-commit'),
  },
  'session.recover': {
    enabled: (state) => activeSession(state)?.recover?.kind === 'committing' && !commits(state),
    run: openWithImage('recover'),
  },
  'session.checkpoints': { enabled: hasImage, run: openWithImage('checkpoints') },
  'session.save': {
    enabled: (state) => activeSession(state)?.lasting !== undefined,
    run: withImage(async (app, session) => {
      await app.request('overlay.save', { session })
    }),
  },
  'session.serve': { enabled: hasImage, run: openWithImage('serve') },
  'session.cancel-job': {
    enabled: (state) => state.jobs.some((job) => job.state === 'running'),
    run: async (app) => {
      const running = app.store.getState().jobs.filter((job) => job.state === 'running')
      const commit = running.find((job) => job.kind === 'commit') ?? running[0]
      if (commit !== undefined) await app.request('job.cancel', { job: commit.id })
    },
  },
  'session.discard-all': {
    enabled: (state) => hasStaged(state) && !commits(state),
    run: openWithImage('discard-all'),
  },

  'help.palette': { enabled: always, run: openPlain('palette') },
  'help.shortcuts': { enabled: always, run: openPlain('shortcuts') },
  'help.about': { enabled: always, run: openPlain('about') },
}
