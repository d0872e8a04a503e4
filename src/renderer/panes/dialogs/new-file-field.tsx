import type { RefObject } from 'react'
import { useApp, useAppState } from '../../state/use-app'
import { Button } from '../../widgets/button'
import { TextField } from '../../widgets/text-field'
import type { Attempt } from '../../widgets/use-attempt'

export interface NewFile {
  readonly path: string
  /** The native dialog has asked already whether a file of that name may be replaced. */
  readonly replace: boolean
}

interface NewFileFieldProps {
  readonly label: string
  readonly value: string
  readonly attempt: Attempt
  /** Title of the native dialog. */
  readonly title: string
  readonly onChange: (file: NewFile) => void
  readonly disabled?: boolean
  readonly problem?: string | undefined
  readonly inputRef?: RefObject<HTMLInputElement | null>
}

/** The path of a new file: typed, or chosen in the native dialog where there is one. */
export function NewFileField(props: NewFileFieldProps) {
  const { label, value, attempt, title, onChange, disabled = false, problem, inputRef } = props
  const app = useApp()
  const native = useAppState((state) => state.host?.nativeDialogs === true)
  const choose = () =>
    attempt.start(async () => {
      const asked = await app.request('dialog.saveFile', { title, path: value })
      if (asked.value.path !== undefined) onChange({ path: asked.value.path, replace: true })
    })
  return (
    <div className="path-row">
      <TextField
        label={label}
        mono
        value={value}
        disabled={disabled}
        problem={problem}
        onChange={(path) => onChange({ path, replace: false })}
        {...(inputRef && { inputRef })}
      />
      {native && (
        <Button onClick={choose} disabled={disabled || attempt.pending}>
          Choose…
        </Button>
      )}
    </div>
  )
}
