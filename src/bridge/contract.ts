// Everything that crosses between a host and a page, in one place. A request is answered exactly once:
// a value, a typed error, or nothing more after its cancel was confirmed by an error with code ABORTED.
// Events go from the host to every page. A stream sends frames as long as the page grants credit.
// The same contract runs over Electron's MessagePort and over a WebSocket (channel.ts).
//
// Bytes never stand inside JSON: a request, reply or frame carries at most one attached byte array.

import type { ByteRange } from '../engine/base/ranges'
import type {
  ActivityTick,
  CellDetail,
  CommitReview,
  ComparisonRows,
  Directory,
  ExportId,
  ExportInfo,
  ExtentRow,
  HostInfo,
  JobId,
  JobInfo,
  NbdExportInfo,
  SessionId,
  SessionInfo,
  Settings,
  StagedPreview,
  StagedRun,
  Touch,
} from './model'
import type { UndoReview } from './undo-model'

/** The longest piece of a disk that one request carries. */
export const MAX_BYTES_PER_REQUEST = 1024 * 1024
/** The most cells of one map view. */
export const MAX_CELLS_PER_FRAME = 1 << 18
/** The most rows of a table that one request asks for. */
export const MAX_ROWS_PER_REQUEST = 10_000
/** The most ranges that one request names. */
export const MAX_RANGES_PER_REQUEST = 10_000

interface Call<Params, Result> {
  readonly params: Params
  readonly result: Result
}

/** How a session is served. */
export interface ExportOptions {
  readonly transport:
    | { readonly kind: 'unix'; readonly path?: string }
    | { readonly kind: 'tcp'; readonly host?: string; readonly port?: number }
  readonly name?: string
  readonly description?: string
  readonly readOnly?: boolean
  /** Absent: connections are in the clear. One of the two kinds of keys has to be given. */
  readonly tls?: {
    readonly mode: 'optional' | 'required'
    readonly certificates?: string
    readonly pskFile?: string
    readonly verifyPeer?: boolean
  }
}

/** What a commit overwrites is kept: in a file of that name (absolute, new), or where the host keeps such files. */
export interface UndoWish {
  readonly path?: string
}

type OfSession<More = unknown> = { readonly session: SessionId } & More

export interface Requests {
  /** The first request of a page: all that it needs to draw itself as it was. */
  'host.hello': Call<Record<never, never>, HostInfo>
  'settings.set': Call<{ readonly settings: Partial<Settings> }, Settings>

  /** Native dialog; `undefined` when the person closed it. NOT_SUPPORTED where there is none. */
  'dialog.openImage': Call<Record<never, never>, { readonly locator?: string }>
  /**
   * Native dialog for a new file, `path` in its field, which asks before a file is replaced; `undefined`
   * and NOT_SUPPORTED as above.
   */
  'dialog.saveFile': Call<
    { readonly title: string; readonly path: string },
    { readonly path?: string }
  >
  /** A directory of the host, for hosts without native dialogs; no path: the home directory. */
  'files.list': Call<{ readonly path?: string }, Directory>
  /** The exports that a server offers. */
  'nbd.list': Call<{ readonly uri: string }, { readonly exports: readonly NbdExportInfo[] }>

  /**
   * A path, an NBD URI, or `sample:` for the image that Platter makes itself. An overlay file is refused
   * with BASE_CHANGED while its base is not what it was, unless `acceptBase` says to take it as it is.
   */
  'session.open': Call<
    {
      readonly locator: string
      readonly format?: string
      readonly blockSize?: number
      readonly acceptBase?: boolean
    },
    SessionInfo
  >
  /** Refused with STAGED_CHANGES while something is staged, unless `discard` says so. */
  'session.close': Call<OfSession<{ readonly discard?: boolean }>, Record<never, never>>
  'session.info': Call<OfSession, SessionInfo>

  /** What a range holds, exactly. */
  'map.detail': Call<OfSession<ByteRange>, CellDetail>
  /** Rows of the extents table by index. */
  'map.extents': Call<
    OfSession<{ readonly first: number; readonly count: number }>,
    { readonly total: number; readonly rows: readonly ExtentRow[] }
  >
  /** Index of the extents table's row that holds `offset`. */
  'map.extentAt': Call<OfSession<{ readonly offset: number }>, { readonly index: number }>
  /** Start of the next (or previous) extent boundary or staged run seen from `offset`. */
  'map.next': Call<
    OfSession<{
      readonly offset: number
      readonly what: 'extent' | 'staged'
      readonly backwards?: boolean
    }>,
    { readonly offset?: number }
  >

  /** Attached to the reply: the bytes of the session (base and staged). */
  'bytes.read': Call<OfSession<ByteRange>, { readonly epoch: number }>

  /** Attached to the request: the bytes to stage at `offset`. */
  'stage.write': Call<OfSession<{ readonly offset: number }>, { readonly epoch: number }>
  'stage.zero': Call<OfSession<ByteRange>, { readonly epoch: number }>
  'stage.list': Call<
    OfSession<{ readonly first: number; readonly count: number }>,
    { readonly total: number; readonly bytes: number; readonly rows: readonly StagedRun[] }
  >
  'stage.preview': Call<OfSession<ByteRange>, StagedPreview>
  /** Whole blocks that the ranges touch; without ranges, everything. */
  'stage.discard': Call<
    OfSession<{ readonly ranges?: readonly ByteRange[] }>,
    { readonly bytes: number }
  >

  'commit.review': Call<OfSession<{ readonly ranges?: readonly ByteRange[] }>, CommitReview>
  'commit.start': Call<
    OfSession<{
      readonly ranges?: readonly ByteRange[]
      readonly verify: boolean
      readonly undo?: UndoWish
    }>,
    { readonly job: JobId }
  >
  /** What undoing the last commit would do; NOT_FOUND when there is none to undo. */
  'undo.review': Call<OfSession, UndoReview>
  /** Writes back what the last commit overwrote, keeping what it takes away, so that it can be redone. */
  'undo.start': Call<OfSession, { readonly job: JobId }>
  /** Of a session with `recover`: carries what the commit that was cut short was to carry. */
  'recover.finish': Call<OfSession<{ readonly verify: boolean }>, { readonly job: JobId }>
  /** Writes back what it overwrote; everything that is still staged stays staged. */
  'recover.undo': Call<OfSession, { readonly job: JobId }>
  /**
   * All that the session shows as a plain file of its own. ALREADY_EXISTS unless `replace` says that
   * somebody was asked; BAD_REQUEST for the image itself.
   */
  'save.start': Call<
    OfSession<{ readonly path: string; readonly replace?: boolean }>,
    { readonly job: JobId }
  >
  /** What the session shows against another image, by path or URI. */
  'compare.start': Call<OfSession<{ readonly locator: string }>, { readonly job: JobId }>
  /** The ranges that differ, of a comparison that ran lately; NO_JOB for an older one. */
  'compare.rows': Call<
    { readonly job: JobId; readonly first: number; readonly count: number },
    ComparisonRows
  >
  /** Carries what is staged into a new overlay file, with which the session goes on. */
  'overlay.keep': Call<OfSession<{ readonly path: string }>, { readonly job: JobId }>
  /** Resolves when all that is staged is stable in the overlay file. */
  'overlay.save': Call<OfSession, Record<never, never>>
  /** Freezes what is staged, under a name of the host's unless told. BUSY while it is served. */
  'checkpoint.make': Call<OfSession<{ readonly name?: string }>, { readonly name: string }>
  /** Forgets what is staged since the newest checkpoint, which is taken away. */
  'checkpoint.back': Call<OfSession, { readonly name: string }>
  /** Carries what is staged since the newest checkpoint into it, and goes on in that. */
  'checkpoint.merge': Call<OfSession, { readonly job: JobId }>
  'job.cancel': Call<{ readonly job: JobId }, Record<never, never>>

  /** The data of its error may have a `field`, one of EXPORT_FIELDS. */
  'export.start': Call<OfSession<ExportOptions>, ExportInfo>
  'export.stop': Call<{ readonly export: ExportId }, Record<never, never>>
  /** Hangs up on one client; it may come again. */
  'export.disconnect': Call<
    { readonly export: ExportId; readonly client: number },
    Record<never, never>
  >
  /** Forgets the requests that are logged, for every page. */
  'export.clearLog': Call<{ readonly export: ExportId }, Record<never, never>>
  'activity.history': Call<OfSession, { readonly ticks: readonly ActivityTick[] }>
}

export type RequestName = keyof Requests
export type Params<N extends RequestName> = Requests[N]['params']
export type Result<N extends RequestName> = Requests[N]['result']

/** A value with the byte array that travels beside it. */
export interface WithBytes<T> {
  readonly value: T
  readonly bytes?: Uint8Array
}

export interface Events {
  /** At most one a frame for each session; carries the totals, so the legend never lags the map. */
  'session.changed': SessionInfo
  'session.closed': { readonly session: SessionId }
  /** A session that this page did not ask for: the command line, a second instance, a dropped file. */
  'session.opened': SessionInfo
  /** What changed, joined; the whole image when there are too many ranges. Fetch anew what is shown. */
  'session.touched': {
    readonly session: SessionId
    readonly epoch: number
    readonly changed: readonly ByteRange[]
    readonly touches: readonly Touch[]
  }
  'activity.tick': { readonly session: SessionId; readonly tick: ActivityTick }
  'job.changed': JobInfo
  'export.changed': ExportInfo
  'export.stopped': { readonly export: ExportId; readonly session: SessionId }
  'settings.changed': Settings
  /** An action chosen outside the page: the native menu. Ids are those of actions.ts. */
  'action.run': { readonly action: string }
  /** Something failed that no request of this page is waiting for. */
  'host.problem': { readonly message: string }
}

export type EventName = keyof Events

export interface Streams {
  /**
   * The cells of one view of the map: a frame at once, and another whenever something in the view has
   * changed and credit is left. What changes in between is folded into the next frame. Frames are
   * laid out in frames.ts.
   */
  'map.cells': {
    readonly params: OfSession<{
      /** Bytes a cell: a power of two, 512 or more. */
      readonly cellBytes: number
      readonly firstCell: number
      readonly cellCount: number
    }>
    readonly frame: {
      readonly epoch: number
      readonly cellBytes: number
      readonly firstCell: number
    }
  }
  /**
   * The requests of an export's clients: those that are still known at once, then what is new, a few
   * times a second. Frames are laid out in request-rows.ts; what a slow page missed is missing.
   */
  'export.requests': {
    readonly params: { readonly export: ExportId }
    readonly frame: {
      /** Sequence number of the first row of the frame. */
      readonly first: number
      /** Rows before this one are forgotten. */
      readonly oldest: number
    }
  }
}

export type StreamName = keyof Streams
