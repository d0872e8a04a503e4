import { describe, expect, it } from 'vitest'
import * as nbd from './constants'

// The numbers once more, as the specification prints them.
const SPECIFICATION: Readonly<Record<string, number | bigint>> = {
  NBDMAGIC: 0x4e42444d41474943n,
  IHAVEOPT: 0x49484156454f5054n,
  NBD_OLDSTYLE_MAGIC: 0x00420281861253n,
  NBD_OPTION_REPLY_MAGIC: 0x3e889045565a9n,
  NBD_REQUEST_MAGIC: 0x25609513,
  NBD_SIMPLE_REPLY_MAGIC: 0x67446698,
  NBD_STRUCTURED_REPLY_MAGIC: 0x668e33ef,
  NBD_FLAG_FIXED_NEWSTYLE: 1,
  NBD_FLAG_NO_ZEROES: 2,
  NBD_FLAG_HAS_FLAGS: 1,
  NBD_FLAG_READ_ONLY: 2,
  NBD_FLAG_SEND_FLUSH: 4,
  NBD_FLAG_SEND_FUA: 8,
  NBD_FLAG_ROTATIONAL: 16,
  NBD_FLAG_SEND_TRIM: 32,
  NBD_FLAG_SEND_WRITE_ZEROES: 64,
  NBD_FLAG_SEND_DF: 128,
  NBD_FLAG_CAN_MULTI_CONN: 256,
  NBD_FLAG_SEND_CACHE: 1024,
  NBD_FLAG_SEND_FAST_ZERO: 2048,
  NBD_OPT_EXPORT_NAME: 1,
  NBD_OPT_ABORT: 2,
  NBD_OPT_LIST: 3,
  NBD_OPT_STARTTLS: 5,
  NBD_OPT_INFO: 6,
  NBD_OPT_GO: 7,
  NBD_OPT_STRUCTURED_REPLY: 8,
  NBD_OPT_LIST_META_CONTEXT: 9,
  NBD_OPT_SET_META_CONTEXT: 10,
  NBD_OPT_EXTENDED_HEADERS: 11,
  NBD_REP_ERR_UNSUP: 2 ** 31 + 1,
  NBD_REP_ERR_UNKNOWN: 2 ** 31 + 6,
  NBD_REP_ERR_TOO_BIG: 2 ** 31 + 9,
  NBD_CMD_BLOCK_STATUS: 7,
  NBD_CMD_WRITE_ZEROES: 6,
  NBD_CMD_FLAG_FAST_ZERO: 16,
  NBD_REPLY_TYPE_BLOCK_STATUS: 5,
  NBD_REPLY_TYPE_ERROR: 2 ** 15 + 1,
  NBD_REPLY_TYPE_ERROR_OFFSET: 2 ** 15 + 2,
  NBD_EOVERFLOW: 75,
  NBD_ENOTSUP: 95,
  NBD_ESHUTDOWN: 108,
}

describe('the protocol’s constants', () => {
  it('have the values of the specification', () => {
    const ours = Object.fromEntries(
      Object.keys(SPECIFICATION).map((name) => [name, (nbd as Record<string, unknown>)[name]]),
    )
    expect(ours).toEqual(SPECIFICATION)
  })

  it('spell the magics that are text', () => {
    const ascii = (magic: bigint) => Buffer.from(magic.toString(16), 'hex').toString('ascii')
    expect(ascii(nbd.NBDMAGIC)).toBe('NBDMAGIC')
    expect(ascii(nbd.IHAVEOPT)).toBe('IHAVEOPT')
  })

  it('have names for messages, and a number where there is no name', () => {
    expect(nbd.nameOfOption(7)).toBe('NBD_OPT_GO')
    expect(nbd.nameOfOption(77)).toBe('option 77')
    expect(nbd.nameOfOptionReply(0x80000006)).toBe('NBD_REP_ERR_UNKNOWN')
    expect(nbd.nameOfCommand(0)).toBe('NBD_CMD_READ')
    expect(nbd.nameOfReplyType(0x8002)).toBe('NBD_REPLY_TYPE_ERROR_OFFSET')
    expect(nbd.nameOfError(28)).toBe('NBD_ENOSPC')
    expect(nbd.nameOfError(99)).toBe('error 99')
    expect(nbd.namesOfTransmissionFlags(3)).toEqual(['HAS_FLAGS', 'READ_ONLY'])
  })
})
