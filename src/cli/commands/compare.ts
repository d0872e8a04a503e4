import type { ByteRange } from '../../engine/base/ranges'
import { formatExact, groupDigits } from '../../engine/base/size-text'
import { compareImages } from '../../workspace/compare-images'
import { EXIT_FAILED } from '../exit-codes'
import { print } from '../print'
import { ProgressLine } from '../progress-line'
import { catchStopSignals } from '../stop-signals'

export interface CompareOptions {
  readonly json?: boolean
  readonly first?: boolean
  readonly extents: boolean
  readonly progress?: boolean
  readonly format?: string
}

type Result = Awaited<ReturnType<typeof compareImages>>

/** What is printed at once: up to here a comparison that fails prints nothing, as all commands do. */
const HELD_CHARACTERS = 16 * 1024 * 1024

/** Prints ranges as they are found once there are many: there may be more than fit into memory. */
export async function runCompare(a: string, b: string, options: CompareOptions): Promise<void> {
  const { asked } = catchStopSignals()
  const writer = options.json === true ? new JsonWriter() : new TextWriter()
  const line = options.progress === true ? new ProgressLine(process.stderr) : undefined
  let result: Result
  let held = ''
  try {
    result = await compareImages(a, b, {
      first: options.first,
      useExtents: options.extents,
      format: options.format,
      signal: asked,
      onRanges: async (ranges) => {
        held += writer.ranges(ranges)
        if (held.length < HELD_CHARACTERS) return
        await print(held)
        held = ''
      },
      onProgress: line === undefined ? undefined : (progress) => line.show(progress),
    })
  } finally {
    line?.end()
  }
  await print(held + writer.end(result))
  if (!result.same) process.exitCode = EXIT_FAILED
}

/** One document, its ranges first: what sums them up is known last. */
class JsonWriter {
  #count = 0

  ranges(ranges: readonly ByteRange[]): string {
    const head = this.#count === 0 ? '{\n  "ranges": [\n' : ',\n'
    this.#count += ranges.length
    const rows = ranges.map(({ offset, length }) => `    ${JSON.stringify({ offset, length })}`)
    return `${head}${rows.join(',\n')}`
  }

  end({ same, sizes, ranges, bytes }: Result): string {
    const head = this.#count === 0 ? '{\n  "ranges": []' : '\n  ]'
    const [first, second] = sizes
    const rest = { same, sizes: [first, second], totals: { ranges, length: bytes } }
    const keys = Object.entries(rest).map(([key, value]) => `  "${key}": ${JSON.stringify(value)}`)
    return `${head},\n${keys.join(',\n')}\n}\n`
  }
}

class TextWriter {
  ranges(ranges: readonly ByteRange[]): string {
    const cell = (value: number) => String(value).padStart(12)
    return ranges.map(({ offset, length }) => `${cell(offset)}${cell(length)}\n`).join('')
  }

  end({ same, sizes: [a, b], ranges, bytes }: Result): string {
    const tail =
      a === b
        ? ''
        : `the sizes differ (${groupDigits(a)} and ${formatExact(b)}); the shorter one counts as zeroes behind its end\n`
    if (same) return `${tail}the images are the same\n`
    const count = `${groupDigits(ranges)} ${ranges === 1 ? 'range differs' : 'ranges differ'}`
    return `${tail}${count}, ${formatExact(bytes)}\n`
  }
}
