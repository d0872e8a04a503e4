import { mapImage } from '../../workspace/image-map'
import { formatMapJson, formatMapText, formatTotalsJson, formatTotalsText } from '../map-rows'

interface MapOptions {
  readonly json?: boolean
  readonly totals?: boolean
  readonly context: string
  readonly format?: string
}

export async function runMap(image: string, options: MapOptions): Promise<void> {
  const { context, format } = options
  const extents = await mapImage(image, { context, format })
  const print = options.totals
    ? options.json
      ? formatTotalsJson
      : formatTotalsText
    : options.json
      ? formatMapJson
      : formatMapText
  process.stdout.write(print(extents))
}
