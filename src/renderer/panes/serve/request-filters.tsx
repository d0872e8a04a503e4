import { commandName, type RequestRow } from '../../../bridge/request-rows'
import { CheckField } from '../../widgets/check-field'
import { Pick } from '../../widgets/pick'
import { type RequestFilter, valuesOf } from './request-filter'

interface RequestFiltersProps {
  readonly rows: readonly RequestRow[]
  readonly filter: RequestFilter
  readonly onChange: (filter: RequestFilter) => void
}

const ANY = -1

/** Which requests are shown: of one client, of one kind, only those that failed. */
export function RequestFilters({ rows, filter, onChange }: RequestFiltersProps) {
  const options = (column: 'client' | 'command') => [
    ANY,
    // What is chosen stays to be seen when its last row is gone.
    ...new Set([
      ...valuesOf(rows, column),
      ...(filter[column] === undefined ? [] : [filter[column]]),
    ]),
  ]
  const change = (column: 'client' | 'command') => (value: number) =>
    onChange({ ...filter, [column]: value === ANY ? undefined : value })
  return (
    <div className="request-filters">
      <Pick
        label="Client"
        value={filter.client ?? ANY}
        options={options('client')}
        textOf={(value) => (value === ANY ? 'All clients' : `client ${value}`)}
        onChange={change('client')}
      />
      <Pick
        label="Command"
        value={filter.command ?? ANY}
        options={options('command')}
        textOf={(value) => (value === ANY ? 'All commands' : commandName(value))}
        onChange={change('command')}
      />
      <CheckField
        checked={filter.failuresOnly}
        onChange={(failuresOnly) => onChange({ ...filter, failuresOnly })}
      >
        Failures
      </CheckField>
    </div>
  )
}
