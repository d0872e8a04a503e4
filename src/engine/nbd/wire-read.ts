// Big-endian fields at a place in a buffer, without an object for each: the inner loops' reader.

export function u16At(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number)
}

export function u32At(bytes: Uint8Array, at: number): number {
  return ((u16At(bytes, at) << 16) | u16At(bytes, at + 2)) >>> 0
}

/** Exact up to 2^53, and above that too large for any range check to pass, which is all it is for. */
export function offsetAt(bytes: Uint8Array, at: number): number {
  return u32At(bytes, at) * 2 ** 32 + u32At(bytes, at + 4)
}
