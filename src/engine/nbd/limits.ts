// Every maximum of the NBD room, each with its reason. A length from the wire is compared with one of
// these before anything is allocated for it.

import { MAX_PAYLOAD } from '../disk/disk'

/** The specification's bound on any string: export names, context names, error texts. */
export const MAX_STRING = 4096

/** What a client may send with one option. A name and some dozen queries fit; a flood does not. */
export const MAX_OPTION_DATA = 64 * 1024

/** An option longer than this is not even skipped: no honest client comes near it. */
export const MAX_OPTION_SKIP = 16 * 1024 * 1024

/** Options in one handshake: a dozen is all that an honest client needs for itself. */
export const MAX_OPTIONS = 32
/** And for each export that there is to look at: a list, then its information and its contexts. */
export const MAX_OPTIONS_PER_EXPORT = 32

/**
 * Bytes of replies to options that may wait for a client who asks on. Honest ones read the answer to one
 * option before they send the next.
 */
export const MAX_UNSENT_REPLIES = 1024 * 1024

/** What a server may send in one option reply: two strings and their lengths, with room to spare. */
export const MAX_OPTION_REPLY = 16 * 1024

/** Replies to one option, so that an endless list ends. */
export const MAX_OPTION_REPLIES = 10_000

/** And their bytes together, which are kept until the last of them has come. */
export const MAX_OPTION_REPLY_BYTES = 8 * 1024 * 1024

/** Exports whose sizes are asked for one by one after a list. */
export const MAX_LISTED_INFO = 256

/** Exports that a list calls empty and that are opened to see, a connection each. */
export const MAX_LISTED_OPENED = 16

/** Contexts in one connection. */
export const MAX_CONTEXTS = 64

/** An error chunk is a number and a string; an unknown one may carry somewhat more. */
export const MAX_ERROR_CHUNK = 64 * 1024

/** The specification's bound on the extents of one block status reply. */
export const MAX_STATUS_EXTENTS = 1 << 20

/** What the server puts into one block status reply: 512 KiB of descriptors. */
export const MAX_SENT_EXTENTS = 1 << 16

/**
 * Separate pieces of a read that may be open at once, beyond one for each 512 bytes: chunks may come in
 * any order, but a server that scatters single bytes only wants to cost us time.
 */
export const MAX_READ_PIECES = 64

/** The longest read, write or reply that is accepted: what every peer takes. */
export const MAX_REQUEST_PAYLOAD = MAX_PAYLOAD

/** A write above the limit is read and thrown away up to here, then refused; beyond, we hang up. */
export const MAX_REFUSED_PAYLOAD = 2 * MAX_PAYLOAD

/** Lengths in a compact header are 32 bits; this is the largest that every block size divides. */
export const MAX_EFFECT_LENGTH = 2 ** 32 - 65536
/** With extended headers: the same below 2^53. */
export const MAX_EXTENDED_LENGTH = 2 ** 53 - 65536

/** Largest minimum block size that the specification allows. */
export const MAX_MINIMUM_BLOCK = 65536

/** The client's requests in progress on one connection: beyond it they wait in line. */
export const MAX_CLIENT_REQUESTS = 256
/** And the payload bytes of those; one request may always go. */
export const MAX_CLIENT_BYTES = 2 * MAX_PAYLOAD

/** Requests that timed out and whose answer is still owed, before the connection is given up. */
export const MAX_OVERDUE = 16

export interface ServerLimits {
  /** Clients at the same time; one more is hung up on. */
  readonly connections: number
  /** From accept to the end of the handshake. */
  readonly handshakeTimeoutMs: number
  /** Requests of one client in progress; further ones wait unread in its socket. */
  readonly requests: number
  /** Payload bytes of those, until the reply has left; one request may always go. */
  readonly bytes: number
  /** The same of all clients together; the longest request has to fit. */
  readonly totalBytes: number
  /** Who holds payload bytes for so long without finishing anything, while others wait, is cut off. */
  readonly stallTimeoutMs: number
}

export const DEFAULT_SERVER_LIMITS: ServerLimits = {
  connections: 64,
  handshakeTimeoutMs: 10_000,
  requests: 64,
  bytes: 2 * MAX_PAYLOAD,
  totalBytes: 8 * MAX_PAYLOAD,
  stallTimeoutMs: 30_000,
}

export const DEFAULT_CONNECT_TIMEOUT_MS = 10_000
export const DEFAULT_REQUEST_TIMEOUT_MS = 30_000
/** How long an orderly goodbye may take before the connection is cut. */
export const DISCONNECT_TIMEOUT_MS = 2_000
/** The same for the server, which may have replies on the way to a slow client. */
export const LINGER_TIMEOUT_MS = 10_000
