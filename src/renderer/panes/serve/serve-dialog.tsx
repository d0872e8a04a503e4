import { useEffect, useRef, useState } from 'react'
import type { SessionInfo } from '../../../bridge/model'
import { useApp } from '../../state/use-app'
import { Button } from '../../widgets/button'
import { DialogFrame } from '../../widgets/dialog-frame'
import { useAttempt } from '../../widgets/use-attempt'
import { type FieldProblem, missingKeys, NEW_DRAFT, optionsOf, problemOf } from './serve-draft'
import { ServeForm } from './serve-form'
import './serve-form.css'

interface ServeDialogProps {
  readonly session: SessionInfo
  readonly onClose: () => void
}

export function ServeDialog({ session, onClose }: ServeDialogProps) {
  const app = useApp()
  const [draft, setDraft] = useState(NEW_DRAFT)
  const [problem, setProblem] = useState<FieldProblem>()
  const attempt = useAttempt()
  const form = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (problem?.field === undefined) return
    const input = form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')
    input?.focus()
    // With the sentence below it.
    input?.closest('.field')?.scrollIntoView({ block: 'nearest' })
  }, [problem])

  const start = () =>
    attempt.start(async () => {
      const missing = missingKeys(draft)
      setProblem(missing)
      if (missing !== undefined) return
      try {
        const params = { session: session.id, ...optionsOf(draft) }
        const { value } = await app.request('export.start', params)
        app.store.getState().putExport(value)
        app.store.getState().showServe('exports')
        onClose()
      } catch (error) {
        setProblem(problemOf(error))
      }
    })
  return (
    <DialogFrame
      title={`Serve ${session.image.name} over NBD`}
      onClose={onClose}
      onSubmit={start}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button look="primary" type="submit" disabled={attempt.pending}>
            Start serving
          </Button>
        </>
      }
    >
      <p className="dim">
        A virtual machine or a backup tool can use the image while it is open here. What it writes
        is staged with your own changes.
      </p>
      <div className="serve-form" ref={form}>
        <ServeForm
          draft={draft}
          problem={problem}
          imageName={session.image.name}
          onChange={(change) => {
            setDraft((now) => ({ ...now, ...change }))
            setProblem(undefined)
          }}
        />
      </div>
    </DialogFrame>
  )
}
