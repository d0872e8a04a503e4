// What a page sends is looked at here before a handler sees it: every field has its type, its range and
// its bound, and fields that the contract does not know are refused. One schema for each request and
// each stream of the contract; the types at the end of the file do not compile while one is missing or
// says something else than the contract.
//
// What depends on a session (whether an offset lies inside its image) is the workspace's to check.

import { z } from 'zod'
import { PlatterError } from '../engine/base/errors'
import { isPowerOfTwo } from '../engine/base/ranges'
import type { Params, RequestName, StreamName, Streams } from './contract'
import {
  MAX_BYTES_PER_REQUEST,
  MAX_CELLS_PER_FRAME,
  MAX_RANGES_PER_REQUEST,
  MAX_ROWS_PER_REQUEST,
} from './contract'
import { sentenceOf } from './issue-text'

/** A path of 4096 bytes, or an NBD URI whose export name has as many, each escaped as %XX. */
const MAX_LOCATOR_LENGTH = 3 * 4096 + 1024
const MAX_PATH_LENGTH = 4096
/** NBD_MAX_STRING. */
const MAX_EXPORT_NAME_LENGTH = 4096
/** A DNS name, or an address with a zone. */
const MAX_HOST_LENGTH = 255
const MAX_ID_LENGTH = 64
const MAX_FORMAT_LENGTH = 32
const MAX_TITLE_LENGTH = 200
const MAX_CHECKPOINT_NAME_LENGTH = 255
const MIN_BLOCK_SIZE = 4096
const MAX_BLOCK_SIZE = 2 * 1024 * 1024
const MIN_CELL_BYTES = 512

const text = (max: number) =>
  z
    .string()
    .max(max)
    .refine((value) => !value.includes('\0'), 'with a NUL character in it')
    .refine((value) => !/\p{Cs}/u.test(value), 'with half a character in it')
const someText = (max: number) => text(max).min(1)

const count = (min: number, max: number) => z.int().min(min).max(max)
const offset = count(0, Number.MAX_SAFE_INTEGER)
const powerOfTwo = (min: number, max: number) =>
  count(min, max).refine(isPowerOfTwo, 'not a power of two')

const id = someText(MAX_ID_LENGTH)
const nothing: z.ZodType<Record<never, never>> = z.strictObject({})

const endsSafely = (range: { offset: number; length: number }) =>
  Number.isSafeInteger(range.offset + range.length)
const END_TOO_FAR = 'ends above the largest supported offset 2^53-1'

const rangeFields = { offset, length: offset }
const byteRange = z.strictObject(rangeFields).refine(endsSafely, END_TOO_FAR)
const ranges = z.array(byteRange).max(MAX_RANGES_PER_REQUEST)
const ofSession = { session: id }
const ofSessionRange = z
  .strictObject({ ...ofSession, ...rangeFields })
  .refine(endsSafely, END_TOO_FAR)
const ofSessionRows = z.strictObject({
  ...ofSession,
  first: offset,
  count: count(0, MAX_ROWS_PER_REQUEST),
})
const blockSize = powerOfTwo(MIN_BLOCK_SIZE, MAX_BLOCK_SIZE)

const REQUEST_SCHEMAS = {
  'host.hello': nothing,
  'settings.set': z.strictObject({
    settings: z.strictObject({
      theme: z.enum(['system', 'light', 'dark']).exactOptional(),
      blockSize: blockSize.exactOptional(),
      bytesPerRow: z.literal([8, 16, 32]).exactOptional(),
    }),
  }),
  'dialog.openImage': nothing,
  'dialog.saveFile': z.strictObject({ title: text(MAX_TITLE_LENGTH), path: text(MAX_PATH_LENGTH) }),
  'files.list': z.strictObject({ path: someText(MAX_PATH_LENGTH).exactOptional() }),
  'nbd.list': z.strictObject({ uri: someText(MAX_LOCATOR_LENGTH) }),
  'session.open': z.strictObject({
    locator: someText(MAX_LOCATOR_LENGTH),
    format: someText(MAX_FORMAT_LENGTH).exactOptional(),
    blockSize: blockSize.exactOptional(),
    acceptBase: z.boolean().exactOptional(),
  }),
  'session.close': z.strictObject({ ...ofSession, discard: z.boolean().exactOptional() }),
  'session.info': z.strictObject(ofSession),
  'map.detail': ofSessionRange,
  'map.extents': ofSessionRows,
  'map.extentAt': z.strictObject({ ...ofSession, offset }),
  'map.next': z.strictObject({
    ...ofSession,
    offset,
    what: z.enum(['extent', 'staged']),
    backwards: z.boolean().exactOptional(),
  }),
  'bytes.read': z
    .strictObject({ ...ofSession, offset, length: count(0, MAX_BYTES_PER_REQUEST) })
    .refine(endsSafely, END_TOO_FAR),
  'stage.write': z.strictObject({ ...ofSession, offset }),
  'stage.zero': ofSessionRange,
  'stage.list': ofSessionRows,
  'stage.preview': ofSessionRange,
  'stage.discard': z.strictObject({ ...ofSession, ranges: ranges.exactOptional() }),
  'commit.review': z.strictObject({ ...ofSession, ranges: ranges.exactOptional() }),
  'commit.start': z.strictObject({
    ...ofSession,
    ranges: ranges.exactOptional(),
    verify: z.boolean(),
    undo: z.strictObject({ path: someText(MAX_PATH_LENGTH).exactOptional() }).exactOptional(),
  }),
  'undo.review': z.strictObject(ofSession),
  'undo.start': z.strictObject(ofSession),
  'recover.finish': z.strictObject({ ...ofSession, verify: z.boolean() }),
  'recover.undo': z.strictObject(ofSession),
  'save.start': z.strictObject({
    ...ofSession,
    path: someText(MAX_PATH_LENGTH),
    replace: z.boolean().exactOptional(),
  }),
  'compare.start': z.strictObject({ ...ofSession, locator: someText(MAX_LOCATOR_LENGTH) }),
  'compare.rows': z.strictObject({
    job: id,
    first: offset,
    count: count(0, MAX_ROWS_PER_REQUEST),
  }),
  'overlay.keep': z.strictObject({ ...ofSession, path: someText(MAX_PATH_LENGTH) }),
  'overlay.save': z.strictObject(ofSession),
  'checkpoint.make': z.strictObject({
    ...ofSession,
    name: someText(MAX_CHECKPOINT_NAME_LENGTH).exactOptional(),
  }),
  'checkpoint.back': z.strictObject(ofSession),
  'checkpoint.merge': z.strictObject(ofSession),
  'job.cancel': z.strictObject({ job: id }),
  'export.start': z.strictObject({
    ...ofSession,
    transport: z.discriminatedUnion('kind', [
      z.strictObject({
        kind: z.literal('unix'),
        path: someText(MAX_PATH_LENGTH).exactOptional(),
      }),
      z.strictObject({
        kind: z.literal('tcp'),
        host: someText(MAX_HOST_LENGTH).exactOptional(),
        port: count(0, 65535).exactOptional(),
      }),
    ]),
    name: text(MAX_EXPORT_NAME_LENGTH).exactOptional(),
    description: text(MAX_EXPORT_NAME_LENGTH).exactOptional(),
    readOnly: z.boolean().exactOptional(),
    tls: z
      .strictObject({
        mode: z.enum(['optional', 'required']),
        certificates: someText(MAX_PATH_LENGTH).exactOptional(),
        pskFile: someText(MAX_PATH_LENGTH).exactOptional(),
        verifyPeer: z.boolean().exactOptional(),
      })
      .exactOptional(),
  }),
  'export.stop': z.strictObject({ export: id }),
  'export.disconnect': z.strictObject({ export: id, client: count(1, 2 ** 32 - 1) }),
  'export.clearLog': z.strictObject({ export: id }),
  'activity.history': z.strictObject(ofSession),
}

const STREAM_SCHEMAS = {
  'map.cells': z
    .strictObject({
      ...ofSession,
      cellBytes: powerOfTwo(MIN_CELL_BYTES, 2 ** 52),
      firstCell: offset,
      cellCount: count(1, MAX_CELLS_PER_FRAME),
    })
    .refine(
      ({ cellBytes, firstCell }) => Number.isSafeInteger(cellBytes * firstCell),
      'starts above the largest supported offset 2^53-1',
    ),
  'export.requests': z.strictObject({ export: id }),
}

const SCHEMAS = { ...REQUEST_SCHEMAS, ...STREAM_SCHEMAS }

/** The requests that carry bytes, 1 to MAX_BYTES_PER_REQUEST of them. */
const WITH_BYTES: readonly (RequestName | StreamName)[] = ['stage.write']

export type ValidateParams = (
  name: RequestName | StreamName,
  params: unknown,
  bytes: Uint8Array | undefined,
) => unknown

/** What a page sent for `name`, checked. Throws BAD_REQUEST that names the field and what is wrong with it. */
export const validateParams: ValidateParams = (name, params, bytes) => {
  checkBytes(name, bytes)
  const result = SCHEMAS[name].safeParse(params)
  if (result.success) return result.data
  throw new PlatterError('BAD_REQUEST', `${name}: ${sentenceOf(result.error, params)}`)
}

function checkBytes(name: RequestName | StreamName, bytes: Uint8Array | undefined): void {
  const length = bytes?.length
  if (!WITH_BYTES.includes(name)) {
    if (length !== undefined) throw badBytes(name, `carries none, and ${length} were attached`)
  } else if (length === undefined || length === 0) {
    throw badBytes(name, 'needs some attached, and there are none')
  } else if (length > MAX_BYTES_PER_REQUEST) {
    throw badBytes(name, `takes at most ${MAX_BYTES_PER_REQUEST} attached, not ${length}`)
  }
}

const badBytes = (name: string, what: string) =>
  new PlatterError('BAD_REQUEST', `${name}: of bytes it ${what}`)

// From here on only the compiler is told something. Schema and contract have the same shape when each
// fits the other as it is, and again when all that is optional is required.

type Frozen<T> = T extends object ? { readonly [K in keyof T]: Frozen<T[K]> } : T
type Filled<T> = T extends object ? { readonly [K in keyof T]-?: Filled<T[K]> } : T
type Same<A, B> = [A, B] extends [B, A] ? true : false
type SameShape<A, B> = [Same<Frozen<A>, Frozen<B>>, Same<Filled<A>, Filled<B>>]

type Contract = { readonly [N in RequestName]: Params<N> } & {
  readonly [S in StreamName]: Streams[S]['params']
}
type Differing = {
  [N in keyof typeof SCHEMAS | keyof Contract]: N extends keyof typeof SCHEMAS & keyof Contract
    ? SameShape<z.output<(typeof SCHEMAS)[N]>, Contract[N]> extends [true, true]
      ? never
      : N
    : N
}[keyof typeof SCHEMAS | keyof Contract]

type Nothing<T extends never> = T
/** Does not compile, and names them, while some schemas are missing, too many or not as the contract. */
export type DifferingSchemas = Nothing<Differing>
