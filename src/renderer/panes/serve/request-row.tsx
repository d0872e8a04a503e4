import { CircleX } from 'lucide-react'
import { commandName, flagNames, type RequestRow } from '../../../bridge/request-rows'
import { formatExact, formatHex, formatSize } from '../../../engine/base/size-text'
import type { Column, RowCells } from '../../widgets/data-grid'
import { exactTimeText } from '../time-text'
import { durationText, resultText } from './request-filter'

export const REQUEST_COLUMNS: readonly Column[] = [
  { key: 'time', title: 'Time', width: '84px', fromPx: 470 },
  { key: 'client', title: 'Client', width: '34px', align: 'end', fromPx: 410 },
  { key: 'command', title: 'Command', width: '88px' },
  { key: 'offset', title: 'Offset', width: 'minmax(76px, 1fr)', align: 'end' },
  { key: 'length', title: 'Length', width: '62px', align: 'end', fromPx: 320 },
  { key: 'flags', title: 'Flags', width: 'minmax(60px, 1fr)', fromPx: 630 },
  { key: 'result', title: 'Result', width: '62px', fromPx: 540 },
  { key: 'duration', title: 'ms', width: '50px', align: 'end', fromPx: 380 },
  { key: 'mark', title: 'Failed', quiet: true, width: '12px' },
]

export function requestCells(row: RequestRow | undefined): RowCells | undefined {
  if (row === undefined) return undefined
  const failed = row.errno !== 0
  const command = commandName(row.command)
  const hasPlace = command !== 'FLUSH'
  const result = resultText(row)
  return {
    time: <span className="mono dim">{exactTimeText(row.time)}</span>,
    client: <span className="mono">{row.client}</span>,
    command: <span className={failed ? 'mono request-failed' : 'mono'}>{command}</span>,
    offset: hasPlace && (
      <span className="mono" title={formatHex(row.offset)}>
        {formatHex(row.offset)}
      </span>
    ),
    length: hasPlace && (
      <span className="mono" title={formatExact(row.length)}>
        {formatSize(row.length)}
      </span>
    ),
    flags: <span className="mono dim">{flagNames(row.flags).join(' ')}</span>,
    result: <span className={failed ? 'mono request-failed' : 'mono dim'}>{result}</span>,
    duration: <span className="mono">{durationText(row.durationMs)}</span>,
    mark: failed && (
      <span className="cell-mark request-failed" title={result}>
        <CircleX size={12} aria-hidden />
        <span className="visually-hidden">{result}</span>
      </span>
    ),
  }
}
