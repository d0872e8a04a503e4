import type { ReactNode } from 'react'
import type { LastingInfo, SessionInfo } from '../../../bridge/model'
import { formatExact, formatSize } from '../../../engine/base/size-text'
import { stagedBytes } from '../../state/app-state'
import { dateText } from '../time-text'

interface LayerTableProps {
  readonly session: SessionInfo
  readonly lasting: LastingInfo
}

/** From what is staged now down to the image. */
export function LayerTable({ session, lasting }: LayerTableProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard has to reach it.
    <section className="sample-table" tabIndex={0} aria-label="Layers">
      <table>
        <thead>
          <tr>
            <th scope="col">Layer</th>
            <th scope="col">When</th>
            <th scope="col" className="end">
              Staged
            </th>
          </tr>
        </thead>
        <tbody>
          <Row name="now" when="" bytes={stagedBytes(session)} />
          {lasting.checkpoints.map(({ name, time, bytes }) => (
            <Row key={name} name={name} when={dateText(time)} bytes={bytes} />
          ))}
          <Row name={<span className="dim">{session.image.name}</span>} when="" bytes={undefined} />
        </tbody>
      </table>
    </section>
  )
}

interface RowProps {
  readonly name: ReactNode
  readonly when: string
  readonly bytes: number | undefined
}

const Row = ({ name, when, bytes }: RowProps) => (
  <tr>
    <td title={typeof name === 'string' ? name : undefined}>{name}</td>
    <td className="mono dim">{when}</td>
    <td className="mono end" title={bytes === undefined ? undefined : formatExact(bytes)}>
      {bytes === undefined ? '' : formatSize(bytes, 2)}
    </td>
  </tr>
)
