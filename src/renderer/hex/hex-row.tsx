import type { ReactNode } from 'react'
import { formatHex, groupDigits } from '../../engine/base/size-text'
import { columnOf, GROUP, type HexPaneName, hexWidth, SECTOR } from './hex-layout'
import type { HexRowModel } from './hex-rows'
import { STYLE_FAINT, STYLE_TYPED, stylesOf } from './hex-rows'
import { hexOf, NOT_PRINTABLE, runsOf, textOf } from './hex-text'

export interface RowMarks {
  /** Index in the row; absent in rows without the caret. */
  readonly caret: number | undefined
  readonly pane: HexPaneName
  readonly isFocused: boolean
  /** First and last selected index in the row. */
  readonly selected: readonly [number, number] | undefined
  /** The first digit of a byte that is being typed, at the caret. */
  readonly half: number | undefined
}

interface HexRowProps {
  readonly model: HexRowModel
  readonly bytesPerRow: number
  readonly label: string
  readonly rowIndex: number
  readonly idOf: (pane: HexPaneName) => string | undefined
  readonly marks: RowMarks
}

const CLASS_OF_STYLE: Readonly<Record<number, string>> = {
  [STYLE_FAINT]: 'hex-faint',
  [STYLE_TYPED]: 'hex-typed',
}

export function HexRow({ model, bytesPerRow, label, rowIndex, idOf, marks }: HexRowProps) {
  const isSectorStart = model.offset % SECTOR === 0
  const classes = [
    'hex-row',
    `hex-is-${model.state}`,
    `hex-kind-${model.kind}`,
    model.staged === undefined ? '' : `hex-staged-${model.staged}`,
    isSectorStart ? 'hex-sector' : '',
  ]
  const sector = Math.floor(model.offset / SECTOR)
  return (
    // biome-ignore lint/a11y/useSemanticElements: rows of a virtual grid are laid out by hand
    // biome-ignore lint/a11y/useFocusableInteractive: the grid has the focus
    <div className={classes.join(' ')} role="row" aria-rowindex={rowIndex}>
      {/* biome-ignore lint/a11y/useSemanticElements: as above */}
      {/* biome-ignore lint/a11y/useFocusableInteractive: as above */}
      <span
        className="hex-offset"
        role="rowheader"
        data-part="offset"
        aria-label={spokenRow(model)}
        title={`LBA ${groupDigits(sector)} + ${model.offset % SECTOR}; a click changes the base of offsets`}
      >
        <Offset text={label} />
      </span>
      <Pane pane="hex" {...{ model, bytesPerRow, marks }} id={idOf('hex')} />
      <Pane pane="text" {...{ model, bytesPerRow, marks }} id={idOf('text')} />
      {isSectorStart && <span className="hex-lba">LBA {groupDigits(sector)}</span>}
    </div>
  )
}

function Offset({ text }: { readonly text: string }) {
  const lead = /^0*(?=.)/.exec(text)?.[0] ?? ''
  return (
    <>
      <span className="hex-lead">{lead}</span>
      {text.slice(lead.length)}
    </>
  )
}

interface PaneProps {
  readonly pane: HexPaneName
  readonly model: HexRowModel
  readonly bytesPerRow: number
  readonly marks: RowMarks
  readonly id: string | undefined
}

function Pane({ pane, model, bytesPerRow, marks, id }: PaneProps) {
  const chars = pane === 'hex' ? hexWidth(bytesPerRow) : bytesPerRow
  return (
    // biome-ignore lint/a11y/useSemanticElements: as above
    // biome-ignore lint/a11y/useFocusableInteractive: as above
    <span
      className={`hex-pane hex-pane-${pane}`}
      role="gridcell"
      data-pane={pane}
      id={id}
      style={{ width: `${chars}ch` }}
    >
      {marks.selected && <Selection pane={pane} from={marks.selected[0]} to={marks.selected[1]} />}
      {marks.caret !== undefined && <Caret pane={pane} at={marks.caret} marks={marks} />}
      <span className="hex-chars">{pane === 'hex' ? hexText(model, marks) : plainText(model)}</span>
    </span>
  )
}

function Selection({ pane, from, to }: { pane: HexPaneName; from: number; to: number }) {
  const left = columnOf(pane, from)
  const right = columnOf(pane, to) + (pane === 'hex' ? 2 : 1)
  return (
    <span
      className="hex-selection"
      style={{ left: `calc(${left}ch - 1px)`, width: `calc(${right - left}ch + 2px)` }}
    />
  )
}

function Caret({ pane, at, marks }: { pane: HexPaneName; at: number; marks: RowMarks }) {
  const isActive = marks.pane === pane && marks.isFocused
  const isHalf = pane === 'hex' && marks.half !== undefined
  return (
    <span
      className={`hex-caret ${isActive ? 'hex-caret-active' : ''} ${isHalf ? 'hex-caret-half' : ''}`}
      style={{
        left: `calc(${columnOf(pane, at)}ch - 1px)`,
        width: `calc(${pane === 'hex' ? 2 : 1}ch + 2px)`,
      }}
    />
  )
}

/** Digits with the spaces between them, in as few elements as there are changes of style. */
function hexText(model: HexRowModel, { caret, half }: RowMarks): ReactNode {
  if (model.bytes === undefined) return placeholder(model, '··', ' ')
  const { bytes } = model
  const digits = (i: number) =>
    half !== undefined && i === caret
      ? `${half.toString(16).toUpperCase()}_`
      : hexOf(bytes[i] as number)
  const gap = (i: number) => (i === 0 ? '' : i % GROUP === 0 ? '  ' : ' ')
  return runsOf(stylesOf(model, (byte) => byte === 0)).map(({ from, to, style }) => {
    let text = ''
    for (let i = from; i < to; i++) text += gap(i) + digits(i)
    return (
      <span key={from} className={CLASS_OF_STYLE[style]}>
        {text}
      </span>
    )
  })
}

function plainText(model: HexRowModel): ReactNode {
  if (model.bytes === undefined) return placeholder(model, NOT_PRINTABLE, '')
  const { bytes } = model
  const isFaint = (byte: number) => textOf(byte) === NOT_PRINTABLE
  return runsOf(stylesOf(model, isFaint)).map(({ from, to, style }) => (
    <span key={from} className={CLASS_OF_STYLE[style]}>
      {Array.from(bytes.subarray(from, to), textOf).join('')}
    </span>
  ))
}

function placeholder({ count, state }: HexRowModel, unit: string, space: string): ReactNode {
  const mark = state === 'failed' ? '?'.repeat(unit.length) : unit
  const text = Array.from(
    { length: count },
    (_, i) => (i > 0 && i % GROUP === 0 ? space : '') + (i > 0 ? space : '') + mark,
  )
  return <span className="hex-faint">{text.join('')}</span>
}

const SPOKEN: Readonly<Record<HexRowModel['state'], string>> = {
  fresh: '',
  stale: ', changing',
  absent: ', not read yet',
  failed: ', cannot be read',
}

function spokenRow({ offset, kind, staged, state }: HexRowModel): string {
  const words = kind === 'data' || kind === 'unknown' ? '' : `, ${kind}`
  return `${formatHex(offset)}${words}${staged === undefined ? '' : ', staged'}${SPOKEN[state]}`
}
