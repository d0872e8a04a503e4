// A session compared with another image: what the window shows, staged blocks included, against what the
// other one holds. The ranges that differ are kept for the page to look through, the first of them when
// there are too many; counts are of all.

import type { ComparisonRows, JobId, JobInfo } from '../bridge/model'
import type { Clock } from '../engine/base/clock'
import { PlatterError } from '../engine/base/errors'
import type { ByteRange } from '../engine/base/ranges'
import { formatSize, groupDigits } from '../engine/base/size-text'
import { type CompareResult, compareDisks } from '../engine/copy/compare-disks'
import type { FileServices } from '../engine/io/file-disk'
import { backgroundClock } from '../engine/io/system-clock'
import type { Jobs } from './jobs'
import { openImage } from './locators'
import type { OpenedImage } from './opened-image'
import type { Session } from './session'

const MAX_RANGES = 100_000
/** Of the newest; older ones are forgotten. */
const MAX_KEPT = 4

export interface ComparisonsParts {
  readonly jobs: Jobs
  readonly clock: Clock
  readonly files: FileServices
}

export class Comparisons {
  readonly #parts: ComparisonsParts
  readonly #found = new Map<JobId, Found>()

  constructor(parts: ComparisonsParts) {
    this.#parts = parts
  }

  /** Rejects as openImage does, before the job starts. */
  async start(session: Session, locator: string, signal: AbortSignal): Promise<JobInfo> {
    const { jobs, clock, files } = this.#parts
    const other = await openImage(locator, { clock, files, signal })
    const found = new Found()
    const total = Math.max(session.overlay.size, other.disk.size)
    const job = jobs.start({
      session: session.id,
      kind: 'compare',
      title: `Comparing ${nameBeside(session, other)} with ${other.info.name}`,
      total,
      run: async (progress, ended) => {
        try {
          const result = await compareDisks(session.overlay, other.disk, {
            clock: backgroundClock,
            signal: ended,
            onProgress: ({ done }) => progress({ phase: 'comparing', done, total }),
            onRanges: (ranges) => found.add(ranges),
          })
          return summaryOf(result, session, other)
        } finally {
          await other.close()
        }
      },
    })
    this.#found.set(job.id, found)
    for (const id of this.#found.keys()) if (this.#found.size > MAX_KEPT) this.#found.delete(id)
    return job
  }

  /** NO_JOB for one that is forgotten. */
  rows(job: JobId, first: number, count: number): ComparisonRows {
    const found = this.#found.get(job)
    if (found === undefined) {
      throw new PlatterError('NO_JOB', `the comparison '${job}' is not known any more`)
    }
    return {
      total: found.total,
      bytes: found.bytes,
      kept: found.ranges.length,
      rows: found.ranges.slice(first, first + count),
    }
  }
}

class Found {
  readonly ranges: ByteRange[] = []
  total = 0
  bytes = 0

  add(ranges: readonly ByteRange[]): void {
    for (const range of ranges) {
      this.total++
      this.bytes += range.length
      if (this.ranges.length < MAX_RANGES) this.ranges.push(range)
    }
  }
}

function summaryOf(result: CompareResult, session: Session, other: OpenedImage): string {
  const [own, their] = result.sizes
  const sizes =
    own === their
      ? ''
      : `; the sizes differ: ${groupDigits(own)} and ${groupDigits(their)} bytes, and behind the end of the shorter one zeroes count as equal`
  const names = `${nameBeside(session, other)} and ${other.info.name}`
  if (result.same) return `${names} are the same${sizes}`
  const count = `${groupDigits(result.ranges)} ${result.ranges === 1 ? 'range' : 'ranges'}`
  return `${names} differ in ${count}, ${formatSize(result.bytes, 2)}${sizes}`
}

/** The image that a session is over has the same name, and another of that name may have. */
function nameBeside({ image }: Session, other: OpenedImage): string {
  const { name } = image.info
  return name === other.info.name ? `the session of ${name}` : name
}
