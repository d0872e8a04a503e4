// Every action of the user interface, as data: the page joins behaviour to these ids, and the native
// menu is built from the same table, so that menu, palette, shortcuts and tests cannot drift apart.
//
// A key is written `Mod+Shift+O`: Mod is Cmd on macOS and Ctrl elsewhere, the last part is a key as
// KeyboardEvent.key names it (a letter in capitals). Keys of scope `map` are plain letters and marks:
// they count only while the map has the focus, and the map itself handles them.

export const ACTION_CATEGORIES = ['File', 'Edit', 'View', 'Go', 'Session', 'Help'] as const

export type ActionCategory = (typeof ACTION_CATEGORIES)[number]
export type ActionScope = 'global' | 'map'

interface ActionShape {
  readonly id: string
  /** Sentence case; ends in … when it asks something before it acts. */
  readonly title: string
  readonly category: ActionCategory
  /** The first is the one that menus show. */
  readonly keys: readonly string[]
  readonly scope: ActionScope
  /** Starts a new block in a menu. */
  readonly separated?: boolean
}

interface Extras {
  readonly scope?: ActionScope
  readonly separated?: boolean
}

function action<const Id extends string>(
  id: Id,
  category: ActionCategory,
  title: string,
  keys: readonly string[] = [],
  extras: Extras = {},
): ActionShape & { readonly id: Id } {
  return { id, category, title, keys, scope: 'global', ...extras }
}

const separated = { separated: true }
const map = { scope: 'map' as const }

export const ACTIONS = [
  action('file.open-image', 'File', 'Open image…', ['Mod+O']),
  action('file.open-nbd', 'File', 'Open NBD…', ['Mod+Shift+O']),
  action('file.open-sample', 'File', 'Open the sample'),
  action('file.save-as', 'File', 'Save as…', ['Mod+Shift+S'], separated),
  action('file.keep', 'File', 'Keep staged changes in a file…', ['Mod+S']),
  action('file.compare', 'File', 'Compare with…', ['Mod+Shift+D']),
  action('file.settings', 'File', 'Settings…', ['Mod+,'], separated),
  action('file.close', 'File', 'Close image', ['Mod+W'], separated),

  action('edit.undo', 'Edit', 'Undo edit', ['Mod+Z']),
  action('edit.redo', 'Edit', 'Redo edit', ['Mod+Shift+Z', 'Mod+Y']),
  action('edit.copy-offset', 'Edit', 'Copy offset', ['Mod+Shift+C'], separated),
  action('edit.select-block', 'Edit', 'Select the staging block at the cursor'),
  action('edit.zero-selection', 'Edit', 'Stage zeroes over the selection…', [], separated),
  action('edit.discard-selection', 'Edit', 'Discard what is staged in the selection…'),

  action('view.zoom-in', 'View', 'Zoom in', ['+', 'W'], map),
  action('view.zoom-out', 'View', 'Zoom out', ['-', 'S'], map),
  action('view.zoom-fit', 'View', 'Whole disk', ['0'], map),
  action('view.inspector', 'View', 'Inspector', ['Alt+1'], separated),
  action('view.staged', 'View', 'Staged', ['Alt+2']),
  action('view.extents', 'View', 'Extents', ['Alt+3']),
  action('view.serve', 'View', 'Exports and clients', ['Alt+4']),
  action('view.activity', 'View', 'Activity', ['Alt+5']),
  action('view.requests', 'View', 'Requests of clients', ['Alt+6']),
  action('view.focus-map', 'View', 'Focus the map', ['Alt+M'], separated),
  action('view.focus-hex', 'View', 'Focus the bytes', ['Alt+B']),
  action('view.radix', 'View', 'Offsets in hexadecimal or decimal'),
  action('view.theme-system', 'View', 'Theme of the system', [], separated),
  action('view.theme-light', 'View', 'Light theme'),
  action('view.theme-dark', 'View', 'Dark theme'),

  action('go.offset', 'Go', 'Go to offset…', ['Mod+G']),
  action('go.back', 'Go', 'Back', ['Alt+ArrowLeft'], separated),
  action('go.forward', 'Go', 'Forward', ['Alt+ArrowRight']),
  action('go.next-extent', 'Go', 'Next extent', ['Mod+]'], separated),
  action('go.previous-extent', 'Go', 'Previous extent', ['Mod+[']),
  action('go.next-staged', 'Go', 'Next staged change', ['F6']),
  action('go.previous-staged', 'Go', 'Previous staged change', ['Shift+F6']),
  action('go.start', 'Go', 'Start of the disk', [], separated),
  action('go.end', 'Go', 'End of the disk'),

  action('session.commit', 'Session', 'Commit…', ['Mod+Enter']),
  action('session.undo-commit', 'Session', 'Undo commit…', ['Alt+Z']),
  action('session.recover', 'Session', 'Recover…', ['Alt+R']),
  action('session.checkpoints', 'Session', 'Checkpoints…', ['Alt+K'], separated),
  action('session.save', 'Session', 'Save the overlay file now', ['Alt+S']),
  action('session.serve', 'Session', 'Serve…', ['Mod+Shift+E'], separated),
  action('session.cancel-job', 'Session', 'Cancel the running job'),
  action('session.discard-all', 'Session', 'Discard all…', [], separated),

  action('help.palette', 'Help', 'Command palette…', ['Mod+Shift+P', 'F1']),
  action('help.shortcuts', 'Help', 'Keyboard shortcuts', ['?']),
  action('help.about', 'Help', 'About Platter', [], separated),
] as const

export type ActionId = (typeof ACTIONS)[number]['id']
export type ActionData = ActionShape & { readonly id: ActionId }

export const isActionId = (id: string): id is ActionId => ACTIONS.some((each) => each.id === id)
