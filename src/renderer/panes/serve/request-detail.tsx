import { commandName, flagNames, type RequestRow } from '../../../bridge/request-rows'
import { formatExact, formatHex } from '../../../engine/base/size-text'
import { FactList } from '../../widgets/fact-list'
import { exactTimeText } from '../time-text'
import { durationText, placeOf, resultText } from './request-filter'

interface RequestDetailProps {
  readonly row: RequestRow | undefined
  /** Of the disk. */
  readonly size: number
}

/** All that is known of the chosen request, however narrow the list is. */
export function RequestDetail({ row, size }: RequestDetailProps) {
  if (row === undefined) return null
  const command = commandName(row.command)
  const flags = flagNames(row.flags).join(', ')
  const outside = command !== 'FLUSH' && placeOf(row, size) === undefined
  const place = `${formatHex(row.offset)}${outside ? ', outside the disk' : ''}`
  const facts = [
    { name: 'Command', value: flags === '' ? command : `${command} (${flags})` },
    ...(command === 'FLUSH'
      ? []
      : [
          { name: 'Offset', value: place },
          { name: 'Length', value: formatExact(row.length) },
        ]),
    { name: 'Result', value: `${resultText(row)} after ${durationText(row.durationMs)} ms` },
    { name: 'Asked', value: `${exactTimeText(row.time)} by client ${row.client}` },
  ]
  return (
    <section className="request-detail" aria-label="The chosen request">
      <FactList facts={facts} />
    </section>
  )
}
