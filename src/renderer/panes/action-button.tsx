import type { LucideIcon } from 'lucide-react'
import type { ActionId } from '../../bridge/actions'
import { Button, IconButton } from '../widgets/button'
import { KeyCaps } from '../widgets/key-caps'
import { Tip } from '../widgets/tip'
import { useAction } from './use-action'

interface ActionButtonProps {
  readonly id: ActionId
  readonly icon?: LucideIcon
  /** Another text than the action's title. */
  readonly text?: string
  readonly look?: 'plain' | 'primary' | 'danger' | 'quiet'
  readonly small?: boolean
}

/** A button that is an action: its key stands in the tooltip. */
export function ActionButton({ id, icon, text, look, small }: ActionButtonProps) {
  const action = useAction(id)
  return (
    <Tip text={action.title} keys={action.caps.length > 0 && <KeyCaps caps={action.caps} />}>
      <Button
        {...(icon && { icon })}
        {...(look && { look })}
        {...(small && { small })}
        disabled={!action.enabled}
        focusableWhenDisabled
        aria-keyshortcuts={action.ariaKeys}
        onClick={action.run}
      >
        {text ?? action.title}
      </Button>
    </Tip>
  )
}

interface ActionIconProps {
  readonly id: ActionId
  readonly icon: LucideIcon
  readonly small?: boolean
}

export function ActionIcon({ id, icon, small = false }: ActionIconProps) {
  const action = useAction(id)
  return (
    <IconButton
      icon={icon}
      label={action.title.replace('…', '')}
      small={small}
      disabled={!action.enabled}
      focusableWhenDisabled
      aria-keyshortcuts={action.ariaKeys}
      onClick={action.run}
      {...(action.caps.length > 0 && { keys: <KeyCaps caps={action.caps} /> })}
    />
  )
}
