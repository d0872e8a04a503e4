// The fields of an export. Everything may be left as it is; what the host refuses is said at its field.

import type { ReactNode } from 'react'
import type { ExportField } from '../../../bridge/model'
import { CheckField } from '../../widgets/check-field'
import { NumberInput } from '../../widgets/number-input'
import { Problem } from '../../widgets/problem'
import { Segments } from '../../widgets/segments'
import { TextField } from '../../widgets/text-field'
import { type FieldProblem, type ServeDraft, warningOf } from './serve-draft'

const TRANSPORTS = [
  { value: 'unix', text: 'Unix socket' },
  { value: 'tcp', text: 'TCP' },
] as const

const TLS_MODES = [
  { value: 'off', text: 'Off' },
  { value: 'optional', text: 'Optional' },
  { value: 'required', text: 'Required' },
] as const

const KEYS = [
  { value: 'x509', text: 'Certificates' },
  { value: 'psk', text: 'Pre-shared keys' },
] as const

const MAX_PORT = 65535

interface ServeFormProps {
  readonly draft: ServeDraft
  readonly problem: FieldProblem | undefined
  /** What the description is when it is left empty. */
  readonly imageName: string
  readonly onChange: (change: Partial<ServeDraft>) => void
}

export function ServeForm(props: ServeFormProps) {
  const { draft, problem, imageName, onChange } = props
  const at = (field: ExportField) => (problem?.field === field ? problem.message : undefined)
  const warning = warningOf(draft)
  return (
    <>
      <Choice title="Listen on">
        <Segments
          label="Listen on"
          value={draft.transport}
          options={TRANSPORTS}
          onChange={(transport) => onChange({ transport })}
        />
      </Choice>
      {draft.transport === 'unix' ? (
        <TextField
          label="Socket path"
          mono
          value={draft.path}
          onChange={(path) => onChange({ path })}
          placeholder="a private one is made"
          problem={at('path')}
        />
      ) : (
        <div className="serve-address">
          <TextField
            label="Address"
            mono
            value={draft.host}
            onChange={(host) => onChange({ host })}
            placeholder="127.0.0.1"
            problem={at('host')}
          />
          <NumberInput
            label="Port"
            value={draft.port}
            min={0}
            max={MAX_PORT}
            placeholder="any free one"
            onChange={(port) => onChange({ port })}
            problem={at('port')}
          />
        </div>
      )}
      {warning !== undefined && <Problem tone="warning">{warning}</Problem>}
      <div className="serve-pair">
        <TextField
          label="Export name"
          mono
          value={draft.name}
          onChange={(name) => onChange({ name })}
          placeholder="the default"
          problem={at('name')}
        />
        <TextField
          label="Description"
          value={draft.description}
          onChange={(description) => onChange({ description })}
          placeholder={imageName}
          problem={at('description')}
        />
      </div>
      <CheckField checked={draft.readOnly} onChange={(readOnly) => onChange({ readOnly })}>
        Read-only for clients
      </CheckField>
      <Choice title="TLS">
        <Segments
          label="TLS"
          value={draft.tls}
          options={TLS_MODES}
          onChange={(tls) => onChange({ tls })}
        />
      </Choice>
      {draft.tls !== 'off' && <KeyFields {...props} />}
      {problem !== undefined && problem.field === undefined && <Problem>{problem.message}</Problem>}
    </>
  )
}

function KeyFields({ draft, problem, onChange }: ServeFormProps) {
  const at = (field: ExportField) => (problem?.field === field ? problem.message : undefined)
  return (
    <>
      <Choice title="Keys">
        <Segments
          label="Keys"
          value={draft.keys}
          options={KEYS}
          onChange={(keys) => onChange({ keys })}
        />
      </Choice>
      {draft.keys === 'psk' ? (
        <TextField
          label="Key file"
          mono
          value={draft.pskFile}
          onChange={(pskFile) => onChange({ pskFile })}
          hint="A line user:hexkey for each client. Who has no key does not get in."
          problem={at('pskFile')}
        />
      ) : (
        <>
          <TextField
            label="Certificate folder"
            mono
            value={draft.certificates}
            onChange={(certificates) => onChange({ certificates })}
            hint="With server-cert.pem, server-key.pem and, to verify clients, ca-cert.pem."
            problem={at('certificates')}
          />
          <CheckField
            checked={draft.verifyPeer}
            onChange={(verifyPeer) => onChange({ verifyPeer })}
          >
            Verify clients: let in only those with a certificate of that authority
          </CheckField>
        </>
      )}
    </>
  )
}

interface ChoiceProps {
  readonly title: string
  readonly children: ReactNode
}

/** A few buttons with their name before them. */
function Choice({ title, children }: ChoiceProps) {
  return (
    <div className="serve-choice">
      <span className="field-label">{title}</span>
      {children}
    </div>
  )
}
