// Menus whose items are actions: the application's menu, and the context menus of map and bytes.

import { ContextMenu } from '@base-ui/react/context-menu'
import { Menu } from '@base-ui/react/menu'
import { ChevronRight, Menu as MenuIcon } from 'lucide-react'
import type { ReactElement } from 'react'
import {
  ACTION_CATEGORIES,
  ACTIONS,
  type ActionCategory,
  type ActionData,
  type ActionId,
} from '../../bridge/actions'
import { buttonClass, ICON_SIZE } from '../widgets/button'
import { KeyCaps } from '../widgets/key-caps'
import { useAction } from './use-action'

const actionsOf = (category: ActionCategory): readonly ActionData[] =>
  (ACTIONS as readonly ActionData[]).filter((each) => each.category === category)

function ActionItem({ id }: { readonly id: ActionId }) {
  const action = useAction(id)
  return (
    <Menu.Item className="menu-item" disabled={!action.enabled} onClick={action.run}>
      <span>{action.title}</span>
      <KeyCaps caps={action.caps} />
    </Menu.Item>
  )
}

/** Every action there is, by category: where no native menu has them. */
export function AppMenu() {
  return (
    <Menu.Root modal={false}>
      <Menu.Trigger className={buttonClass({ look: 'quiet' }, true)} aria-label="Menu">
        <MenuIcon size={ICON_SIZE} aria-hidden />
      </Menu.Trigger>
      <Menu.Portal>
        <Menu.Positioner className="layer" align="start" sideOffset={4}>
          <Menu.Popup className="popup">
            {ACTION_CATEGORIES.map((category) => (
              <CategoryMenu key={category} category={category} />
            ))}
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.Root>
  )
}

function CategoryMenu({ category }: { readonly category: ActionCategory }) {
  return (
    <Menu.SubmenuRoot>
      <Menu.SubmenuTrigger className="menu-item">
        <span>{category}</span>
        <ChevronRight size={ICON_SIZE} aria-hidden />
      </Menu.SubmenuTrigger>
      <Menu.Portal>
        <Menu.Positioner className="layer" sideOffset={2} alignOffset={-5}>
          <Menu.Popup className="popup">
            {actionsOf(category).map((each) => (
              <ItemWithSeparator key={each.id} action={each} />
            ))}
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.SubmenuRoot>
  )
}

function ItemWithSeparator({ action }: { readonly action: ActionData }) {
  return (
    <>
      {action.separated && <Menu.Separator className="menu-separator" />}
      <ActionItem id={action.id} />
    </>
  )
}

interface ActionContextMenuProps {
  /** Groups of ids; a line between groups. */
  readonly groups: readonly (readonly ActionId[])[]
  readonly children: ReactElement
}

export function ActionContextMenu({ groups, children }: ActionContextMenuProps) {
  return (
    <ContextMenu.Root>
      <ContextMenu.Trigger render={children} />
      <ContextMenu.Portal>
        <ContextMenu.Positioner className="layer">
          <ContextMenu.Popup className="popup">
            {groups.map((group, index) => (
              <div key={group[0]}>
                {index > 0 && <ContextMenu.Separator className="menu-separator" />}
                {group.map((id) => (
                  <ActionItem key={id} id={id} />
                ))}
              </div>
            ))}
          </ContextMenu.Popup>
        </ContextMenu.Positioner>
      </ContextMenu.Portal>
    </ContextMenu.Root>
  )
}
