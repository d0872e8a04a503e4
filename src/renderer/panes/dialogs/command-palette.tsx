import { Autocomplete } from '@base-ui/react/autocomplete'
import { Dialog } from '@base-ui/react/dialog'
import { useRef } from 'react'
import { ACTION_CATEGORIES, ACTIONS, type ActionData } from '../../../bridge/actions'
import { ACTION_TABLE } from '../../actions/action-table'
import { keyCaps } from '../../actions/key-match'
import { reachableKeys } from '../../actions/reachable-keys'
import { runAction } from '../../actions/run-action'
import { useApp } from '../../state/use-app'
import { KeyCaps } from '../../widgets/key-caps'
import { usePlatform } from '../use-action'

interface PaletteGroup {
  readonly value: string
  readonly items: readonly ActionData[]
}

/** Every action that can be done now, by its name. */
export function CommandPalette({ onClose }: { readonly onClose: () => void }) {
  const app = useApp()
  const platform = usePlatform()
  const input = useRef<HTMLInputElement>(null)
  const state = app.store.getState()
  const possible = (ACTIONS as readonly ActionData[]).filter(
    ({ id }) => id !== 'help.palette' && ACTION_TABLE[id].enabled(state),
  )
  const groups: PaletteGroup[] = ACTION_CATEGORIES.map((value) => ({
    value,
    items: possible.filter((each) => each.category === value),
  })).filter((group) => group.items.length > 0)
  const capsOf = ({ keys }: ActionData) => {
    const [key] = reachableKeys(keys, state.host?.host)
    return key === undefined ? [] : keyCaps(key, platform)
  }
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
              itemToStringValue={(action: ActionData) => `${action.category}: ${action.title}`}
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
                        <Autocomplete.Item
                          key={action.id}
                          value={action}
                          className="menu-item"
                          onClick={() => choose(action)}
                        >
                          <span>{action.title}</span>
                          <KeyCaps caps={capsOf(action)} />
                        </Autocomplete.Item>
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
