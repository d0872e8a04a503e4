import { Field } from '@base-ui/react/field'
import { NumberField } from '@base-ui/react/number-field'

interface NumberInputProps {
  readonly label: string
  /** Null: empty. */
  readonly value: number | null
  readonly min: number
  readonly max: number
  readonly placeholder?: string
  readonly onChange: (value: number | null) => void
  /** What is wrong with it. */
  readonly problem?: string | undefined
}

/** A whole number that is typed, or stepped with the arrow keys. */
export function NumberInput(props: NumberInputProps) {
  const { label, value, min, max, placeholder, onChange, problem } = props
  return (
    <Field.Root className="field" invalid={problem !== undefined}>
      <Field.Label className="field-label">{label}</Field.Label>
      <NumberField.Root
        value={value}
        min={min}
        max={max}
        format={{ useGrouping: false }}
        onValueChange={onChange}
      >
        <NumberField.Input className="text-input mono" placeholder={placeholder} />
      </NumberField.Root>
      {problem !== undefined && (
        <Field.Description className="field-problem" role="alert">
          {problem}
        </Field.Description>
      )}
    </Field.Root>
  )
}
