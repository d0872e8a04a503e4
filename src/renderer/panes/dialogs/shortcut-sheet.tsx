import { ACTION_CATEGORIES, ACTIONS, type ActionData } from '../../../bridge/actions'
import { keyCaps } from '../../actions/key-match'
import { reachableKeys } from '../../actions/reachable-keys'
import { useAppState } from '../../state/use-app'
import { DialogFrame } from '../../widgets/dialog-frame'
import { KeyCaps } from '../../widgets/key-caps'
import { usePlatform } from '../use-action'

export function ShortcutSheet({ onClose }: { readonly onClose: () => void }) {
  const host = useAppState((state) => state.host?.host)
  const withKeys = (ACTIONS as readonly ActionData[])
    .map((each) => ({ ...each, keys: reachableKeys(each.keys, host) }))
    .filter((each) => each.keys.length > 0)
  return (
    <DialogFrame title="Keyboard shortcuts" width="wide" onClose={onClose}>
      <div className="shortcuts">
        {ACTION_CATEGORIES.map((category) => (
          <ShortcutGroup
            key={category}
            title={category}
            actions={withKeys.filter((each) => each.category === category)}
          />
        ))}
      </div>
      <p className="dim">
        Letters and marks without Ctrl or Cmd count while the map has the focus. Esc, then Tab
        leaves the bytes.
      </p>
    </DialogFrame>
  )
}

interface ShortcutGroupProps {
  readonly title: string
  readonly actions: readonly ActionData[]
}

function ShortcutGroup({ title, actions }: ShortcutGroupProps) {
  const platform = usePlatform()
  return (
    <section className="shortcut-group">
      <h3>{title}</h3>
      <ul>
        {actions.map((action) => (
          <li className="shortcut" key={action.id}>
            <span>{action.title}</span>
            <span className="shortcut-keys">
              {action.keys.map((key) => (
                <KeyCaps key={key} caps={keyCaps(key, platform)} />
              ))}
            </span>
          </li>
        ))}
      </ul>
    </section>
  )
}
