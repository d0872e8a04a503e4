/** Characters that steer a terminal or turn text around instead of being shown. */
const STEERING = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu

/** Text from a disk, a server or a path as it may stand on a terminal: what would steer it is escaped. */
export const printable = (text: string): string =>
  text.replace(STEERING, (character) => {
    const code = character.codePointAt(0) as number
    return code < 0x100
      ? `\\x${code.toString(16).padStart(2, '0')}`
      : `\\u${code.toString(16).padStart(4, '0')}`
  })
