import { Field } from '@base-ui/react/field'
import type { ReactNode, RefObject } from 'react'

interface TextFieldProps {
  readonly label: string
  readonly value: string
  readonly onChange: (value: string) => void
  readonly placeholder?: string
  readonly disabled?: boolean
  readonly mono?: boolean
  /** Below the field: help, or what is wrong when `invalid`. */
  readonly hint?: ReactNode
  readonly invalid?: boolean
  /** What is wrong with it, as the host says; in place of the hint. */
  readonly problem?: string | undefined
  /** Enter in the field, where it is not the form's. */
  readonly onEnter?: () => void
  readonly inputRef?: RefObject<HTMLInputElement | null>
}

export function TextField(props: TextFieldProps) {
  const {
    label,
    value,
    onChange,
    hint,
    invalid,
    problem,
    mono = false,
    inputRef,
    onEnter,
    ...rest
  } = props
  return (
    <Field.Root className="field" invalid={invalid === true || problem !== undefined}>
      <Field.Label className="field-label">{label}</Field.Label>
      <Field.Control
        {...rest}
        ref={inputRef}
        className={mono ? 'text-input mono' : 'text-input'}
        value={value}
        spellCheck={false}
        autoComplete="off"
        onValueChange={(next) => onChange(next)}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || onEnter === undefined) return
          event.preventDefault()
          onEnter()
        }}
      />
      {hint !== undefined && problem === undefined && (
        <Field.Description className="field-hint" aria-live="polite">
          {hint}
        </Field.Description>
      )}
      {problem !== undefined && (
        <Field.Description className="field-problem" role="alert">
          {problem}
        </Field.Description>
      )}
    </Field.Root>
  )
}
