import { randomBytes, timingSafeEqual } from 'node:crypto'

const TOKEN_BYTES = 32

/** 256 random bits as base64url. */
export const makeToken = (): string => randomBytes(TOKEN_BYTES).toString('base64url')

/** Takes the same time wherever the first difference is. */
export function isSameToken(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)]
  return a.length === b.length && timingSafeEqual(a, b)
}
