import { Autocomplete } from '@base-ui/react/autocomplete'
import { Dialog } from '@base-ui/react/dialog'
import { useRef } from 'react'
import { ACTION_CATEGORIES, ACTIONS, type ActionData } from '../../../bridge/actions'
import { ACTION_TABLE } from '../../actions/action-table'
import { runAction } from '../../actions/run-action'
import type { AppState } from '../../state/app-state'
import { useApp } from '../../state/use-app'
import { KeyCaps } from '../../widgets/key-caps'
import { useAction } from '../use-action'

interface PaletteGroup {
  readonly value: string
  readonly items: readonly ActionData[]
}

/** Every action that can be done now, by its name. */
export function CommandPalette({ onClose }: { readonly onClose: () => void }) {
  const app = useApp()
  const input = useRef<HTMLInputElement>(null)
  const groups = possibleActions(app.store.getState())
  const choose = (action: ActionData) => {
    onClose()
    void runAction(app, action.id)
  }
  return (
    <Dialog.Root open onOpenChange={(open) => !open && onClose()}>
      <Dialog.Portal>
        <Dialog.Backdrop className="dialog-scrim" />
        <Dialog.Viewport className="dialog-viewport">
          <Dialog.Popup className="palette" aria-label="Command palette" initialFocus={input}>
            <Autocomplete.Root
              open
              inline
              items={groups}
              filter={hasAllWords}
              itemToStringValue={nameOf}
              autoHighlight="always"
              keepHighlight
            >
              <Autocomplete.Input
                ref={input}
                className="palette-input"
                aria-label="Search actions"
                placeholder="What do you want to do?"
              />
              <Autocomplete.Empty className="palette-empty">
                No action is called that.
              </Autocomplete.Empty>
              <Autocomplete.List className="palette-list">
                {(group: PaletteGroup) => (
                  <Autocomplete.Group key={group.value} items={group.items}>
                    <Autocomplete.GroupLabel className="palette-group">
                      {group.value}
                    </Autocomplete.GroupLabel>
                    <Autocomplete.Collection>
                      {(action: ActionData) => (
                        <PaletteItem
                          key={action.id}
                          action={action}
                          onChoose={() => choose(action)}
                        />
                      )}
                    </Autocomplete.Collection>
                  </Autocomplete.Group>
                )}
              </Autocomplete.List>
            </Autocomplete.Root>
          </Dialog.Popup>
        </Dialog.Viewport>
      </Dialog.Portal>
    </Dialog.Root>
  )
}

/** Every word of what was typed stands somewhere in the name, in any order. */
function hasAllWords(action: ActionData, typed: string): boolean {
  const name = nameOf(action).toLowerCase()
  return typed
    .toLowerCase()
    .split(/\s+/)
    .every((word) => name.includes(word))
}

const nameOf = ({ category, title }: ActionData) => `${category}: ${title}`

function possibleActions(state: AppState): PaletteGroup[] {
  const possible = (ACTIONS as readonly ActionData[]).filter(
    ({ id }) => id !== 'help.palette' && ACTION_TABLE[id].enabled(state),
  )
  return ACTION_CATEGORIES.map((value) => ({
    value,
    items: possible.filter((each) => each.category === value),
  })).filter((group) => group.items.length > 0)
}

interface PaletteItemProps {
  readonly action: ActionData
  readonly onChoose: () => void
}

function PaletteItem({ action, onChoose }: PaletteItemProps) {
  const { caps } = useAction(action.id)
  return (
    <Autocomplete.Item value={action} className="menu-item" onClick={onChoose}>
      <span>{action.title}</span>
      <KeyCaps caps={caps} />
    </Autocomplete.Item>
  )
}
