import type { ClassBytes, PartitionInfo } from '../../bridge/model'
import type { ByteRange } from '../../engine/base/ranges'
import { formatHex, groupDigits } from '../../engine/base/size-text'
import { Swatch } from '../widgets/swatch'
import { classLines, partitionsIn, partitionText, sizeText } from './cell-text'

const WIDTH_PX = 248
const ABOVE_PX = 14

interface CellTooltipProps {
  readonly range: ByteRange
  /** Absent while the host's numbers are on their way. */
  readonly bytes: ClassBytes | undefined
  readonly partitions: readonly PartitionInfo[]
  /** Of the pointer, in the map. */
  readonly x: number
  readonly y: number
  readonly mapWidth: number
  readonly mapHeight: number
}

export function CellTooltip(props: CellTooltipProps) {
  const { range, bytes, partitions, x, y, mapWidth, mapHeight } = props
  const left = Math.max(4, Math.min(x + ABOVE_PX, mapWidth - WIDTH_PX - 4))
  const isLow = y > mapHeight * 0.6
  const top = isLow ? y - ABOVE_PX : y + ABOVE_PX
  return (
    <div
      className="map-tooltip"
      aria-hidden
      style={{
        width: WIDTH_PX,
        transform: `translate(${left}px, ${isLow ? `calc(${top}px - 100%)` : `${top}px`})`,
      }}
    >
      <div className="map-tooltip-title mono">
        <span>{formatHex(range.offset)}</span>
        <span>{sizeText(range.length)}</span>
      </div>
      <div className="map-tooltip-place">
        <span>LBA {groupDigits(Math.floor(range.offset / 512))}</span>
        {partitionsIn(partitions, range).map((partition) => (
          <span key={partition.number}>{partitionText(partition)}</span>
        ))}
      </div>
      {bytes === undefined ? (
        <div className="map-tooltip-wait">Reading the map…</div>
      ) : (
        <table>
          <tbody>
            {classLines(bytes, range.length).map((line) => (
              <tr key={line.name}>
                <td>
                  <Swatch of={line.name} /> {line.label}
                </td>
                <td>{line.percent}</td>
                <td>{line.size}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </div>
  )
}
