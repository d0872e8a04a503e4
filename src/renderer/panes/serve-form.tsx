import { NumberField } from '@base-ui/react/number-field'
import { useState } from 'react'
import type { ExportInfo, SessionInfo } from '../../bridge/model'
import { messageOf } from '../state/app'
import { useApp } from '../state/use-app'
import { Button } from '../widgets/button'
import { CheckField } from '../widgets/check-field'
import { Problem } from '../widgets/problem'
import { Segments } from '../widgets/segments'
import { TextField } from '../widgets/text-field'

type Transport = 'unix' | 'tcp'

const TRANSPORTS = [
  { value: 'unix', text: 'Unix socket' },
  { value: 'tcp', text: 'TCP on this machine' },
] as const

const MAX_PORT = 65535

interface ServeFormProps {
  readonly session: SessionInfo
  readonly onStarted?: (info: ExportInfo) => void
}

/** Starts an export of the session. Everything may be left as it is. */
export function ServeForm({ session, onStarted }: ServeFormProps) {
  const app = useApp()
  const [transport, setTransport] = useState<Transport>('unix')
  const [path, setPath] = useState('')
  const [port, setPort] = useState<number | null>(null)
  const [name, setName] = useState('')
  const [readOnly, setReadOnly] = useState(false)
  const [problem, setProblem] = useState<string>()

  const start = async () => {
    setProblem(undefined)
    try {
      const { value } = await app.request('export.start', {
        session: session.id,
        transport: transportOf(transport, path.trim(), port),
        name: name.trim(),
        readOnly,
      })
      app.store.getState().putExport(value)
      onStarted?.(value)
    } catch (error) {
      setProblem(messageOf(error))
    }
  }
  return (
    <div className="serve-form">
      <Segments label="Where" value={transport} options={TRANSPORTS} onChange={setTransport} />
      {transport === 'unix' ? (
        <TextField
          label="Socket path"
          mono
          value={path}
          onChange={setPath}
          placeholder="a private one is made"
        />
      ) : (
        <PortField value={port} onChange={setPort} />
      )}
      <TextField
        label="Export name"
        mono
        value={name}
        onChange={setName}
        placeholder="the default"
      />
      <CheckField checked={readOnly} onChange={setReadOnly}>
        Read-only for clients
      </CheckField>
      {problem !== undefined && <Problem>{problem}</Problem>}
      <div>
        <Button look="primary" onClick={start}>
          Start serving
        </Button>
      </div>
    </div>
  )
}

function transportOf(kind: Transport, path: string, port: number | null) {
  if (kind === 'unix') return { kind, ...(path === '' ? {} : { path }) }
  return { kind, ...(port === null ? {} : { port }) }
}

interface PortFieldProps {
  readonly value: number | null
  readonly onChange: (value: number | null) => void
}

function PortField({ value, onChange }: PortFieldProps) {
  return (
    <NumberField.Root
      className="field"
      value={value}
      min={1}
      max={MAX_PORT}
      format={{ useGrouping: false }}
      onValueChange={onChange}
    >
      <NumberField.ScrubArea className="field-label" direction="vertical">
        <span>Port on 127.0.0.1</span>
      </NumberField.ScrubArea>
      <NumberField.Input
        className="text-input mono"
        placeholder="a free one"
        aria-label="Port on 127.0.0.1"
      />
    </NumberField.Root>
  )
}
