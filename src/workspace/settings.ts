import { join } from 'node:path'
import { z } from 'zod'
import type { RecentImage, Settings } from '../bridge/model'
import { isPowerOfTwo } from '../engine/base/ranges'
import { DEFAULT_BLOCK_SIZE, MAX_BLOCK_SIZE, MIN_BLOCK_SIZE } from './block-size'
import { StoredJson } from './stored-json'

const DEFAULTS: Settings = { theme: 'system', blockSize: DEFAULT_BLOCK_SIZE, bytesPerRow: 16 }

const SETTINGS: z.ZodType<Settings> = z.object({
  theme: z.enum(['system', 'light', 'dark']).catch(DEFAULTS.theme),
  blockSize: z
    .int()
    .min(MIN_BLOCK_SIZE)
    .max(MAX_BLOCK_SIZE)
    .refine(isPowerOfTwo)
    .catch(DEFAULTS.blockSize),
  bytesPerRow: z.union([z.literal(8), z.literal(16), z.literal(32)]).catch(DEFAULTS.bytesPerRow),
})

const MAX_RECENT = 12
const RECENT: z.ZodType<RecentImage[]> = z
  .array(z.object({ locator: z.string(), name: z.string(), time: z.number() }))
  .max(MAX_RECENT)

export const loadSettings = (dir: string): Promise<StoredJson<Settings>> =>
  StoredJson.load(join(dir, 'settings.json'), SETTINGS, DEFAULTS)

export const loadRecent = (dir: string): Promise<StoredJson<RecentImage[]>> =>
  StoredJson.load(join(dir, 'recent.json'), RECENT, [])

/** The list with `image` first, once, and no longer than it may be. */
export const withRecent = (list: readonly RecentImage[], image: RecentImage): RecentImage[] =>
  [image, ...list.filter((other) => other.locator !== image.locator)].slice(0, MAX_RECENT)
