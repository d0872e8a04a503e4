import type { StagedRun } from '../../../bridge/model'
import { formatHex, formatSize, groupDigits } from '../../../engine/base/size-text'
import { Swatch } from '../../widgets/swatch'

interface StagedSampleProps {
  readonly rows: readonly StagedRun[]
  /** How many there are in all. */
  readonly total: number
}

/** The first staged runs, for dialogs that are about them. */
export function StagedSample({ rows, total }: StagedSampleProps) {
  if (rows.length === 0) return null
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard has to reach it.
    <section className="sample-table" tabIndex={0} aria-label="Staged ranges">
      <table>
        <thead>
          <tr>
            <th scope="col">Offset</th>
            <th scope="col" className="end">
              Length
            </th>
            <th scope="col">State</th>
            <th scope="col">By</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.offset}>
              <td className="mono">{formatHex(row.offset)}</td>
              <td className="mono end" title={groupDigits(row.length)}>
                {formatSize(row.length, 2)}
              </td>
              <td>
                <span className="cell-mark">
                  <Swatch of={row.state} />
                  {row.state}
                </span>
              </td>
              <td title={row.origin}>{row.origin}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {total > rows.length && (
        <p className="sample-more">and {groupDigits(total - rows.length)} more</p>
      )}
    </section>
  )
}
