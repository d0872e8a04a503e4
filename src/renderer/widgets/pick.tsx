import { Select } from '@base-ui/react/select'
import { Check, ChevronsUpDown } from 'lucide-react'

interface PickProps<T extends string | number> {
  readonly label: string
  readonly value: T
  readonly options: readonly T[]
  readonly textOf: (value: T) => string
  readonly onChange: (value: T) => void
}

/** One of some that are looked up when they are wanted. */
export function Pick<T extends string | number>(props: PickProps<T>) {
  const { label, value, options, textOf, onChange } = props
  return (
    <Select.Root value={value} onValueChange={(next) => next !== null && onChange(next)}>
      <Select.Trigger className="select-trigger" aria-label={label}>
        <Select.Value>{(chosen: T) => textOf(chosen)}</Select.Value>
        <Select.Icon>
          <ChevronsUpDown size={13} aria-hidden />
        </Select.Icon>
      </Select.Trigger>
      <Select.Portal>
        <Select.Positioner className="layer" alignItemWithTrigger={false} sideOffset={4}>
          <Select.Popup className="popup">
            {options.map((option) => (
              <Select.Item key={option} value={option} className="select-item">
                <Select.ItemIndicator>
                  <Check size={13} aria-hidden />
                </Select.ItemIndicator>
                <Select.ItemText>{textOf(option)}</Select.ItemText>
              </Select.Item>
            ))}
          </Select.Popup>
        </Select.Positioner>
      </Select.Portal>
    </Select.Root>
  )
}
