// The protocol's own numbers, under the names and in the order of its specification (doc/proto.md of
// NetworkBlockDevice/nbd). All fields are big-endian. Names for messages come from the same tables.

/** ASCII "NBDMAGIC": the first bytes of every server. */
export const NBDMAGIC = 0x4e42444d41474943n
/** ASCII "IHAVEOPT": a newstyle server's second magic, and the start of every option. */
export const IHAVEOPT = 0x49484156454f5054n
/** An oldstyle server's second magic. */
export const NBD_OLDSTYLE_MAGIC = 0x00420281861253n
export const NBD_OPTION_REPLY_MAGIC = 0x3e889045565a9n
export const NBD_REQUEST_MAGIC = 0x25609513
export const NBD_SIMPLE_REPLY_MAGIC = 0x67446698
export const NBD_STRUCTURED_REPLY_MAGIC = 0x668e33ef
export const NBD_EXTENDED_REQUEST_MAGIC = 0x21e41c71
export const NBD_EXTENDED_REPLY_MAGIC = 0x6e8a278c

/** IANA's port. */
export const NBD_PORT = 10809
/** After the reply to NBD_OPT_EXPORT_NAME, unless both sides agreed on NO_ZEROES. */
export const EXPORT_NAME_PADDING = 124
export const REQUEST_LENGTH = 28
export const SIMPLE_REPLY_LENGTH = 16
export const STRUCTURED_REPLY_LENGTH = 20
export const EXTENDED_REQUEST_LENGTH = 32
export const EXTENDED_REPLY_LENGTH = 32

// Handshake flags, 16 bits, server to client
export const NBD_FLAG_FIXED_NEWSTYLE = 1 << 0
export const NBD_FLAG_NO_ZEROES = 1 << 1

// Client flags, 32 bits, client to server
export const NBD_FLAG_C_FIXED_NEWSTYLE = 1 << 0
export const NBD_FLAG_C_NO_ZEROES = 1 << 1

// Transmission flags, 16 bits, a property of the export
export const NBD_FLAG_HAS_FLAGS = 1 << 0
export const NBD_FLAG_READ_ONLY = 1 << 1
export const NBD_FLAG_SEND_FLUSH = 1 << 2
export const NBD_FLAG_SEND_FUA = 1 << 3
export const NBD_FLAG_ROTATIONAL = 1 << 4
export const NBD_FLAG_SEND_TRIM = 1 << 5
export const NBD_FLAG_SEND_WRITE_ZEROES = 1 << 6
export const NBD_FLAG_SEND_DF = 1 << 7
export const NBD_FLAG_CAN_MULTI_CONN = 1 << 8
export const NBD_FLAG_SEND_RESIZE = 1 << 9
export const NBD_FLAG_SEND_CACHE = 1 << 10
export const NBD_FLAG_SEND_FAST_ZERO = 1 << 11
export const NBD_FLAG_BLOCK_STATUS_PAYLOAD = 1 << 12

// Options
export const NBD_OPT_EXPORT_NAME = 1
export const NBD_OPT_ABORT = 2
export const NBD_OPT_LIST = 3
export const NBD_OPT_STARTTLS = 5
export const NBD_OPT_INFO = 6
export const NBD_OPT_GO = 7
export const NBD_OPT_STRUCTURED_REPLY = 8
export const NBD_OPT_LIST_META_CONTEXT = 9
export const NBD_OPT_SET_META_CONTEXT = 10
export const NBD_OPT_EXTENDED_HEADERS = 11

// Option replies; bit 31 marks an error
export const NBD_REP_ACK = 1
export const NBD_REP_SERVER = 2
export const NBD_REP_INFO = 3
export const NBD_REP_META_CONTEXT = 4
export const NBD_REP_FLAG_ERROR = 0x80000000
export const NBD_REP_ERR_UNSUP = 0x80000001
export const NBD_REP_ERR_POLICY = 0x80000002
export const NBD_REP_ERR_INVALID = 0x80000003
export const NBD_REP_ERR_PLATFORM = 0x80000004
export const NBD_REP_ERR_TLS_REQD = 0x80000005
export const NBD_REP_ERR_UNKNOWN = 0x80000006
export const NBD_REP_ERR_SHUTDOWN = 0x80000007
export const NBD_REP_ERR_BLOCK_SIZE_REQD = 0x80000008
export const NBD_REP_ERR_TOO_BIG = 0x80000009
export const NBD_REP_ERR_EXT_HEADER_REQD = 0x8000000a

// Kinds of information about an export
export const NBD_INFO_EXPORT = 0
export const NBD_INFO_NAME = 1
export const NBD_INFO_DESCRIPTION = 2
export const NBD_INFO_BLOCK_SIZE = 3

// Commands
export const NBD_CMD_READ = 0
export const NBD_CMD_WRITE = 1
export const NBD_CMD_DISC = 2
export const NBD_CMD_FLUSH = 3
export const NBD_CMD_TRIM = 4
export const NBD_CMD_CACHE = 5
export const NBD_CMD_WRITE_ZEROES = 6
export const NBD_CMD_BLOCK_STATUS = 7

// Command flags, 16 bits
export const NBD_CMD_FLAG_FUA = 1 << 0
export const NBD_CMD_FLAG_NO_HOLE = 1 << 1
export const NBD_CMD_FLAG_DF = 1 << 2
export const NBD_CMD_FLAG_REQ_ONE = 1 << 3
export const NBD_CMD_FLAG_FAST_ZERO = 1 << 4
/** With extended headers: the length is that of a payload which follows; on every write. */
export const NBD_CMD_FLAG_PAYLOAD_LEN = 1 << 5

// Structured replies; bit 15 of the type marks an error
export const NBD_REPLY_FLAG_DONE = 1 << 0
export const NBD_REPLY_TYPE_NONE = 0
export const NBD_REPLY_TYPE_OFFSET_DATA = 1
export const NBD_REPLY_TYPE_OFFSET_HOLE = 2
export const NBD_REPLY_TYPE_BLOCK_STATUS = 5
export const NBD_REPLY_TYPE_BLOCK_STATUS_EXT = 6
export const NBD_REPLY_TYPE_FLAG_ERROR = 0x8000
export const NBD_REPLY_TYPE_ERROR = 0x8001
export const NBD_REPLY_TYPE_ERROR_OFFSET = 0x8002

// The context that this document's namespace defines
export const BASE_ALLOCATION = 'base:allocation'
export const NBD_STATE_HOLE = 1 << 0
export const NBD_STATE_ZERO = 1 << 1

// Errors
export const NBD_SUCCESS = 0
export const NBD_EPERM = 1
export const NBD_EIO = 5
export const NBD_ENOMEM = 12
export const NBD_EINVAL = 22
export const NBD_ENOSPC = 28
export const NBD_EOVERFLOW = 75
export const NBD_ENOTSUP = 95
export const NBD_ESHUTDOWN = 108

type NameTable = Readonly<Record<string, number>>

const OPTIONS: NameTable = {
  NBD_OPT_EXPORT_NAME,
  NBD_OPT_ABORT,
  NBD_OPT_LIST,
  NBD_OPT_STARTTLS,
  NBD_OPT_INFO,
  NBD_OPT_GO,
  NBD_OPT_STRUCTURED_REPLY,
  NBD_OPT_LIST_META_CONTEXT,
  NBD_OPT_SET_META_CONTEXT,
  NBD_OPT_EXTENDED_HEADERS,
}

const OPTION_REPLIES: NameTable = {
  NBD_REP_ACK,
  NBD_REP_SERVER,
  NBD_REP_INFO,
  NBD_REP_META_CONTEXT,
  NBD_REP_ERR_UNSUP,
  NBD_REP_ERR_POLICY,
  NBD_REP_ERR_INVALID,
  NBD_REP_ERR_PLATFORM,
  NBD_REP_ERR_TLS_REQD,
  NBD_REP_ERR_UNKNOWN,
  NBD_REP_ERR_SHUTDOWN,
  NBD_REP_ERR_BLOCK_SIZE_REQD,
  NBD_REP_ERR_TOO_BIG,
  NBD_REP_ERR_EXT_HEADER_REQD,
}

const COMMANDS: NameTable = {
  NBD_CMD_READ,
  NBD_CMD_WRITE,
  NBD_CMD_DISC,
  NBD_CMD_FLUSH,
  NBD_CMD_TRIM,
  NBD_CMD_CACHE,
  NBD_CMD_WRITE_ZEROES,
  NBD_CMD_BLOCK_STATUS,
}

const REPLY_TYPES: NameTable = {
  NBD_REPLY_TYPE_NONE,
  NBD_REPLY_TYPE_OFFSET_DATA,
  NBD_REPLY_TYPE_OFFSET_HOLE,
  NBD_REPLY_TYPE_BLOCK_STATUS,
  NBD_REPLY_TYPE_BLOCK_STATUS_EXT,
  NBD_REPLY_TYPE_ERROR,
  NBD_REPLY_TYPE_ERROR_OFFSET,
}

const ERRORS: NameTable = {
  NBD_EPERM,
  NBD_EIO,
  NBD_ENOMEM,
  NBD_EINVAL,
  NBD_ENOSPC,
  NBD_EOVERFLOW,
  NBD_ENOTSUP,
  NBD_ESHUTDOWN,
}

const TRANSMISSION_FLAGS: NameTable = {
  NBD_FLAG_HAS_FLAGS,
  NBD_FLAG_READ_ONLY,
  NBD_FLAG_SEND_FLUSH,
  NBD_FLAG_SEND_FUA,
  NBD_FLAG_ROTATIONAL,
  NBD_FLAG_SEND_TRIM,
  NBD_FLAG_SEND_WRITE_ZEROES,
  NBD_FLAG_SEND_DF,
  NBD_FLAG_CAN_MULTI_CONN,
  NBD_FLAG_SEND_RESIZE,
  NBD_FLAG_SEND_CACHE,
  NBD_FLAG_SEND_FAST_ZERO,
  NBD_FLAG_BLOCK_STATUS_PAYLOAD,
}

const COMMAND_FLAGS: NameTable = {
  NBD_CMD_FLAG_FUA,
  NBD_CMD_FLAG_NO_HOLE,
  NBD_CMD_FLAG_DF,
  NBD_CMD_FLAG_REQ_ONE,
  NBD_CMD_FLAG_FAST_ZERO,
  NBD_CMD_FLAG_PAYLOAD_LEN,
}

function lookUp(table: NameTable, kind: string): (value: number) => string {
  const names = new Map(Object.entries(table).map(([name, value]) => [value, name]))
  return (value) => names.get(value) ?? `${kind} ${value}`
}

/** `NBD_OPT_GO`; a number that the table does not have reads `option 77`. */
export const nameOfOption = lookUp(OPTIONS, 'option')
export const nameOfOptionReply = lookUp(OPTION_REPLIES, 'option reply')
export const nameOfCommand = lookUp(COMMANDS, 'command')
export const nameOfReplyType = lookUp(REPLY_TYPES, 'reply type')
export const nameOfError = lookUp(ERRORS, 'error')

/** The transmission flags that are set, without their common prefix: `READ_ONLY`, `SEND_FLUSH`. */
export const namesOfTransmissionFlags = (flags: number): string[] =>
  Object.entries(TRANSMISSION_FLAGS)
    .filter(([, bit]) => (flags & bit) !== 0)
    .map(([name]) => name.replace('NBD_FLAG_', ''))

const SHORT_COMMAND_FLAGS = Object.entries(COMMAND_FLAGS).map(
  ([name, bit]) => [name.replace('NBD_CMD_FLAG_', ''), bit] as const,
)

/** The command flags that are set, likewise: `FUA`, `NO_HOLE`. Bits that nobody has named are left out. */
export const namesOfCommandFlags = (flags: number): string[] =>
  SHORT_COMMAND_FLAGS.filter(([, bit]) => (flags & bit) !== 0).map(([name]) => name)
