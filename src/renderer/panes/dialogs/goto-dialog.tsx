import { useRef, useState } from 'react'
import type { SessionInfo } from '../../../bridge/model'
import { formatHex, formatSize, groupDigits } from '../../../engine/base/size-text'
import { type GotoResult, parseGoto, SECTOR_BYTES } from '../../actions/goto-grammar'
import { goTo } from '../../actions/navigate'
import { useAnswer } from '../../state/use-answer'
import { useApp, useView } from '../../state/use-app'
import { Button } from '../../widgets/button'
import { DialogFrame } from '../../widgets/dialog-frame'
import { TextField } from '../../widgets/text-field'
import { classText, partitionAt, partitionText } from '../place-of'

interface GotoDialogProps {
  readonly session: SessionInfo
  readonly onClose: () => void
}

export function GotoDialog({ session, onClose }: GotoDialogProps) {
  const app = useApp()
  const cursor = useView(session.id, (view) => view.cursor)
  const [text, setText] = useState('')
  const input = useRef<HTMLInputElement>(null)
  const result = parseGoto(text, {
    cursor: cursor.offset,
    size: session.image.size,
    blockSize: session.blockSize,
    partitions: session.partitions.partitions,
  })
  const found = result.kind === 'place' ? result : undefined
  const go = () => {
    if (found === undefined) return
    goTo(app, found.offset, found.length)
    onClose()
    app.focus('bytes')
  }
  const invalid = text !== '' && found === undefined
  return (
    <DialogFrame
      title="Go to offset"
      width="narrow"
      onClose={onClose}
      onSubmit={go}
      initialFocus={input}
      footer={
        <Button look="primary" type="submit" disabled={found === undefined}>
          Go
        </Button>
      }
    >
      <TextField
        label="Offset"
        mono
        value={text}
        onChange={setText}
        placeholder="0x1F400, 64M, s2048, 50%, p2+4K, end-512, a..b"
        invalid={invalid}
        inputRef={input}
        hint={invalid && result.kind === 'wrong' ? result.why : undefined}
      />
      <Preview session={session} result={result} />
    </DialogFrame>
  )
}

interface PreviewProps {
  readonly session: SessionInfo
  readonly result: GotoResult
}

function Preview({ session, result }: PreviewProps) {
  const place = result.kind === 'place' ? result : undefined
  const params = place && { session: session.id, offset: place.offset, length: 1 }
  const { got, fresh } = useAnswer('map.detail', params, session.epoch)
  if (place === undefined) return <dl className="goto-preview" aria-live="polite" />
  const { offset, length } = place
  const partition = partitionAt(session.partitions.partitions, offset)
  return (
    <dl className="goto-preview" aria-live="polite">
      <dt>Offset</dt>
      <dd className="mono">
        {formatHex(offset)} ({groupDigits(offset)})
      </dd>
      <dt>LBA</dt>
      <dd className="mono">{groupDigits(Math.floor(offset / SECTOR_BYTES))}</dd>
      <dt>In</dt>
      <dd>
        {partitionText(partition)}
        {fresh && got && `, ${classText(got.value)}`}
      </dd>
      {length !== undefined && (
        <>
          <dt>Selects</dt>
          <dd>
            {formatSize(length, 2)} <span className="mono">({groupDigits(length)})</span>
          </dd>
        </>
      )}
    </dl>
  )
}
