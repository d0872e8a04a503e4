import { mapImage, mapText } from '../../workspace/image-map'

interface MapOptions {
  readonly json?: boolean
  readonly totals?: boolean
  readonly context: string
  readonly format?: string
}

export async function runMap(image: string, options: MapOptions): Promise<void> {
  const { context, format } = options
  const extents = await mapImage(image, { context, format })
  process.stdout.write(
    mapText(extents, { json: options.json === true, totals: options.totals === true }),
  )
}
