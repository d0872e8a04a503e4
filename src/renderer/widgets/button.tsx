import { Button as BaseButton } from '@base-ui/react/button'
import type { LucideIcon } from 'lucide-react'
import type { ComponentProps, ReactNode } from 'react'
import { Tip } from './tip'

export const ICON_SIZE = 14

interface Look {
  readonly look?: 'plain' | 'primary' | 'danger' | 'quiet'
  readonly small?: boolean
}

export const buttonClass = ({ look = 'plain', small = false }: Look, square = false): string =>
  ['button', look, small && 'small', square && 'square'].filter(Boolean).join(' ')

type ButtonProps = ComponentProps<typeof BaseButton> & Look & { readonly icon?: LucideIcon }

export function Button({ look, small, icon: Icon, children, ...rest }: ButtonProps) {
  const className = buttonClass({ ...(look && { look }), ...(small && { small }) })
  return (
    <BaseButton {...rest} className={className}>
      {Icon && <Icon size={ICON_SIZE} aria-hidden />}
      {children}
    </BaseButton>
  )
}

type IconButtonProps = Omit<ComponentProps<typeof BaseButton>, 'children'> &
  Look & { readonly icon: LucideIcon; readonly label: string; readonly keys?: ReactNode }

/** A square button: its label is its accessible name and its tooltip. */
export function IconButton({
  look = 'quiet',
  small,
  icon: Icon,
  label,
  keys,
  ...rest
}: IconButtonProps) {
  const className = buttonClass({ look, ...(small && { small }) }, true)
  return (
    <Tip text={label} keys={keys}>
      <BaseButton {...rest} className={className} aria-label={label}>
        <Icon size={ICON_SIZE} aria-hidden />
      </BaseButton>
    </Tip>
  )
}
