// Fields at fixed places of an on-disk structure, mostly little-endian. The caller made sure that the
// bytes reach far enough.

export class Fields {
  readonly bytes: Uint8Array
  readonly #view: DataView

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  u8(at: number): number {
    return this.#view.getUint8(at)
  }

  u16(at: number): number {
    return this.#view.getUint16(at, true)
  }

  u32(at: number): number {
    return this.#view.getUint32(at, true)
  }

  u64(at: number): bigint {
    return this.#view.getBigUint64(at, true)
  }

  u16BigEndian(at: number): number {
    return this.#view.getUint16(at)
  }

  u32BigEndian(at: number): number {
    return this.#view.getUint32(at)
  }

  /** True when the bytes at `at` are these characters, each one byte. */
  has(at: number, text: string): boolean {
    for (let i = 0; i < text.length; i++)
      if (this.bytes[at + i] !== text.charCodeAt(i)) return false
    return true
  }
}
