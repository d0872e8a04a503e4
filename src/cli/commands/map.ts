import { mapImage, mapText } from '../../workspace/image-map'
import { print } from '../print'

export interface MapOptions {
  readonly json?: boolean
  readonly totals?: boolean
  readonly context: string
  readonly format?: string
}

export async function runMap(image: string, options: MapOptions): Promise<void> {
  const { context, format } = options
  const extents = await mapImage(image, { context, format })
  const { json = false, totals = false } = options
  await print(mapText(extents, { json, totals, context }))
}
