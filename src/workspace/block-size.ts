/** The overlay's unit of staging, bytes: a power of two between these. */
export const DEFAULT_BLOCK_SIZE = 64 * 1024
export const MIN_BLOCK_SIZE = 4 * 1024
export const MAX_BLOCK_SIZE = 2 * 1024 * 1024
