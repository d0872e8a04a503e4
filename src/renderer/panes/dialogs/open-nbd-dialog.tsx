import { Radio } from '@base-ui/react/radio'
import { RadioGroup } from '@base-ui/react/radio-group'
import { useRef, useState } from 'react'
import type { NbdExportInfo } from '../../../bridge/model'
import { formatExact, formatSize } from '../../../engine/base/size-text'
import { whyNoNbdUri, withExportName } from '../../actions/nbd-uri-text'
import { openLocator } from '../../actions/open-image'
import { useApp } from '../../state/use-app'
import { Button } from '../../widgets/button'
import { DialogFrame } from '../../widgets/dialog-frame'
import { Problem } from '../../widgets/problem'
import { TextField } from '../../widgets/text-field'
import { useAttempt } from '../../widgets/use-attempt'

interface OpenNbdDialogProps {
  readonly firstUri: string
  readonly onClose: () => void
}

interface Listed {
  readonly uri: string
  readonly exports: readonly NbdExportInfo[]
}

/** First the server, then one of its exports. */
export function OpenNbdDialog({ firstUri, onClose }: OpenNbdDialogProps) {
  const app = useApp()
  const [uri, setUri] = useState(firstUri)
  const [listed, setListed] = useState<Listed>()
  const [name, setName] = useState<string>()
  const input = useRef<HTMLInputElement>(null)
  const attempt = useAttempt()
  const wrong = whyNoNbdUri(uri)
  const current = listed?.uri === uri ? listed : undefined

  const list = () =>
    attempt.start(async () => {
      const { value } = await app.request('nbd.list', { uri: uri.trim() })
      setListed({ uri, exports: value.exports })
      setName(value.exports.find((each) => each.error === undefined)?.name)
    })
  const open = (locator: string) =>
    attempt.start(async () => {
      await openLocator(app, locator)
      onClose()
    })
  const chosen = current !== undefined && name !== undefined
  const submit = () => {
    if (wrong !== undefined) return
    if (chosen) open(withExportName(uri, name))
    else list()
  }
  return (
    <DialogFrame
      title="Open NBD"
      onClose={onClose}
      onSubmit={submit}
      initialFocus={input}
      footer={
        <>
          <div className="grow">
            <Button
              look="quiet"
              disabled={wrong !== undefined || attempt.pending}
              onClick={() => open(uri.trim())}
            >
              Open the URI as it is
            </Button>
          </div>
          <Button onClick={onClose}>Cancel</Button>
          <Button look="primary" type="submit" disabled={wrong !== undefined || attempt.pending}>
            {chosen ? 'Open export' : 'List exports'}
          </Button>
        </>
      }
    >
      <TextField
        label="URI"
        mono
        value={uri}
        onChange={(next) => {
          setUri(next)
          attempt.clear()
        }}
        placeholder="nbd://localhost:10809/"
        invalid={uri !== '' && wrong !== undefined}
        inputRef={input}
        hint={wrong ?? (attempt.pending ? 'Asking the server…' : '')}
      />
      {current && <ExportChoice exports={current.exports} chosen={name} onChoose={setName} />}
      {attempt.problem !== undefined && <Problem>{attempt.problem}</Problem>}
    </DialogFrame>
  )
}

interface ExportChoiceProps {
  readonly exports: readonly NbdExportInfo[]
  readonly chosen: string | undefined
  readonly onChoose: (name: string) => void
}

function ExportChoice({ exports, chosen, onChoose }: ExportChoiceProps) {
  if (exports.length === 0) {
    return <Problem tone="warning">The server lists no exports. It may still have one.</Problem>
  }
  return (
    <RadioGroup
      className="export-list"
      aria-label="Exports"
      value={chosen ?? null}
      onValueChange={(next) => typeof next === 'string' && onChoose(next)}
    >
      {exports.map((each) => (
        // biome-ignore lint/a11y/noLabelWithoutControl: the radio inside is the control.
        <label className="export-option" key={each.name}>
          <Radio.Root value={each.name} className="radio-dot" disabled={each.error !== undefined} />
          <span className="mono">{each.name === '' ? 'the default export' : each.name}</span>
          <span className="dim" title={each.description}>
            {each.error ?? each.description}
          </span>
          <span className="dim">{each.readOnly === true ? 'read-only' : ''}</span>
          <span className="mono" title={each.size === undefined ? '' : formatExact(each.size)}>
            {each.size === undefined ? '' : formatSize(each.size, 2)}
          </span>
        </label>
      ))}
    </RadioGroup>
  )
}
