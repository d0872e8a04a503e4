// What keys, pointer and clipboard do to the caret and the bytes.

import { useState } from 'react'
import { MAX_BYTES_PER_REQUEST } from '../../bridge/contract'
import { PlatterError } from '../../engine/base/errors'
import type { ByteRange } from '../../engine/base/ranges'
import { formatExact, formatHex } from '../../engine/base/size-text'
import type { HexViewProps } from '../views'
import type { HexIntent } from './hex-keys'
import { cursorAt, intentOfKey } from './hex-keys'
import { type HexPaneName, moveCaret } from './hex-layout'
import type { RowSources } from './hex-rows'
import { rowModel } from './hex-rows'
import { hexDigits, parseHexText, plainText } from './hex-text'

export function useHexActions(props: HexViewProps, sources: RowSources, visibleRows: number) {
  const { session, cursor, onCursor, bytesPerRow, onProblem } = props
  const { size } = session.image
  const [pane, setPane] = useState<HexPaneName>('hex')
  const [half, setHalf] = useState<{ offset: number; value: number }>()
  const [isLeaving, setLeaving] = useState(false)
  const typedHalf = half?.offset === cursor.offset ? half.value : undefined

  const goTo = (offset: number, extend: boolean) => {
    setHalf(undefined)
    onCursor(cursorAt(cursor, offset, extend))
  }
  const putByte = (value: number) => {
    const { bytes, state } = rowModel(sources, cursor.offset, 1)
    if (bytes === undefined) {
      const why = state === 'failed' ? 'cannot be read' : 'has not been read yet'
      onProblem(`The byte at ${formatHex(cursor.offset)} ${why}: nothing was staged.`)
      return
    }
    sources.queue.put({ offset: cursor.offset, before: bytes, after: Uint8Array.of(value) })
    goTo(Math.min(cursor.offset + 1, size - 1), false)
  }
  const run = (intent: HexIntent) => {
    switch (intent.kind) {
      case 'move':
        return goTo(
          moveCaret(cursor.offset, intent.move, { size, bytesPerRow, visibleRows }),
          intent.extend,
        )
      case 'nibble':
        if (typedHalf !== undefined) return putByte(typedHalf * 16 + intent.value)
        if (cursor.selection !== undefined) onCursor({ offset: cursor.offset })
        return setHalf({ offset: cursor.offset, value: intent.value })
      case 'char':
        return putByte(intent.value)
      case 'back':
        if (typedHalf !== undefined) return setHalf(undefined)
        return goTo(Math.max(0, cursor.offset - 1), false)
      case 'other-pane':
        setHalf(undefined)
        return setPane(pane === 'hex' ? 'text' : 'hex')
      case 'escape':
        setLeaving(true)
        if (typedHalf !== undefined) return setHalf(undefined)
        return onCursor({ offset: cursor.offset })
      case 'select-all':
        return onCursor({ offset: 0, selection: { offset: 0, length: size } })
    }
  }
  const onKeyDown = (event: React.KeyboardEvent) => {
    const intent = intentOfKey(event, pane)
    const leaves = isLeaving && intent?.kind === 'other-pane'
    if (event.key !== 'Shift') setLeaving(false)
    if (intent === undefined || leaves) return
    event.preventDefault()
    event.stopPropagation()
    run(intent)
  }
  const clipboard = useClipboard(props, sources, pane)
  return { pane, setPane, half: typedHalf, goTo, onKeyDown, ...clipboard }
}

function useClipboard(props: HexViewProps, sources: RowSources, pane: HexPaneName) {
  const { peer, session, cursor, onCursor, onProblem } = props
  const tell = (error: unknown) => onProblem(error instanceof Error ? error.message : String(error))

  /** As the view shows them: with what is typed and on its way. */
  const read = async ({ offset, length }: ByteRange) => {
    const answer = await peer.request('bytes.read', { session: session.id, offset, length })
    const bytes = (answer.bytes ?? new Uint8Array(length)).slice()
    sources.queue.overlay(offset, bytes, new Uint8Array(length))
    return bytes
  }
  const copy = async () => {
    const range = cursor.selection ?? { offset: cursor.offset, length: 1 }
    checkLength('copy', range.length)
    const bytes = await read(range)
    await navigator.clipboard.writeText(pane === 'hex' ? hexDigits(bytes) : plainText(bytes))
  }
  const paste = async (text: string) => {
    const after = pane === 'hex' ? parseHexText(text) : new TextEncoder().encode(text)
    const offset = cursor.selection?.offset ?? cursor.offset
    checkPaste(after.length, offset, cursor.selection, session.image.size)
    const range = { offset, length: after.length }
    sources.queue.put({ offset, before: await read(range), after })
    onCursor({ offset, selection: range })
  }
  return {
    onCopy(event: React.ClipboardEvent) {
      event.preventDefault()
      copy().catch(tell)
    },
    onPaste(event: React.ClipboardEvent) {
      event.preventDefault()
      paste(event.clipboardData.getData('text/plain')).catch(tell)
    },
  }
}

function checkLength(what: string, length: number): void {
  if (length <= MAX_BYTES_PER_REQUEST) return
  const most = formatExact(MAX_BYTES_PER_REQUEST)
  throw new PlatterError('LIMIT', `${what}: ${formatExact(length)} are more than ${most} at once`)
}

function checkPaste(
  length: number,
  offset: number,
  selection: ByteRange | undefined,
  size: number,
): void {
  if (length === 0) throw new PlatterError('BAD_REQUEST', 'paste: the clipboard holds no text')
  checkLength('paste', length)
  const isDrawn = selection !== undefined && selection.length > 1
  const room = isDrawn ? selection.length : size - offset
  if (length <= room) return
  const where = isDrawn ? 'the selection has' : 'up to the end of the disk there are'
  throw new PlatterError(
    'OUT_OF_RANGE',
    `paste: the clipboard holds ${formatExact(length)}, ${where} ${formatExact(room)}; nothing was staged`,
  )
}
