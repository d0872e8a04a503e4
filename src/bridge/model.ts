// Plain data that both sides of the bridge see: what a host says of images, sessions, jobs and exports.
// Offsets and lengths are bytes and safe integers. Times are milliseconds since 1970, by the host's clock.

import type { PlainError } from '../engine/base/errors'
import type { ByteRange } from '../engine/base/ranges'
import type { RecoverInfo, UndoInfo } from './undo-model'

export type SessionId = string
export type JobId = string
export type ExportId = string

/** The classes of the base picture, in the order of a cells frame (frames.ts). */
export const BASE_CLASSES = ['data', 'zero', 'hole', 'unknown'] as const
/** What lies over it: blocks of the overlay that were written, or that read as zeroes. */
export const STAGED_CLASSES = ['written', 'zeroed'] as const
export const CELL_CLASSES = [...BASE_CLASSES, ...STAGED_CLASSES] as const

export type BaseClass = (typeof BASE_CLASSES)[number]
export type CellClass = (typeof CELL_CLASSES)[number]

/**
 * Exact bytes for each class. data + zero + hole + unknown is the length looked at, as the session reads
 * now, staged writes included: what an export of it would say. `unknown` is what the survey has not
 * reached yet. written + zeroed is what is staged, and is counted once more over the others.
 */
export type ClassBytes = Readonly<Record<CellClass, number>>

export interface ImageInfo {
  /** What the person opened: a path or an NBD URI (without secrets). */
  readonly locator: string
  /** The last part of it, for titles. */
  readonly name: string
  readonly kind: 'file' | 'nbd' | 'sample'
  readonly format: string
  readonly size: number
  /** Bytes that the file takes on its file system; absent where that is not known. */
  readonly allocated?: number
  readonly blockSize: {
    readonly minimum: number
    readonly preferred: number
    readonly maximum: number
  }
  /** Why a commit cannot write to it; absent when it can. */
  readonly readOnlyReason?: string
  /** False: the source cannot tell data from holes, so all of it is painted as data. */
  readonly hasExtents: boolean
  /** Sentences about how its bytes are shown: a last sector that is cut short, holes that are not told. */
  readonly notes?: readonly string[]
}

export interface PartitionInfo extends ByteRange {
  /** 1 for the first. */
  readonly number: number
  readonly name: string
  /** `EFI system`, `Linux filesystem`, `0x83 Linux`, … */
  readonly type: string
  /** `ext4`, `vfat`, …; absent when no signature is known. */
  readonly fileSystem?: string
}

export interface PartitionTable {
  readonly scheme: 'gpt' | 'mbr' | 'none'
  readonly partitions: readonly PartitionInfo[]
  /** What is wrong with it, in sentences; empty when nothing is. */
  readonly problems: readonly string[]
}

export interface SessionInfo {
  readonly id: SessionId
  readonly image: ImageInfo
  /** Unit of staging, bytes. */
  readonly blockSize: number
  readonly partitions: PartitionTable
  /** Of the whole image, where it has no partition table; absent when no signature is known. */
  readonly fileSystem?: string
  /** 0…1 of the image that the survey has mapped; 1 when it is complete. */
  readonly surveyed: number
  readonly totals: ClassBytes
  /** Runs of staged blocks of one state. */
  readonly stagedRuns: number
  /** Grows with every change of content or state: what was fetched at another epoch is old. */
  readonly epoch: number
  /** The commit, or the undoing of one, that is running. */
  readonly commitJob?: JobId
  /** The last commit can be undone (`undo.review` says whether nothing speaks against it now). */
  readonly undo?: UndoInfo
  /** The lasting overlay was not closed, or a commit of it was cut short, and nobody decided on it yet. */
  readonly recover?: RecoverInfo
  /** What is staged is kept in this file and outlives the session; absent: it goes with the session. */
  readonly lasting?: LastingInfo
  /** Set when the image cannot be read any more as it was opened (it shrank, the server went away). */
  readonly trouble?: PlainError
}

/** The overlay file of a session. */
export interface LastingInfo {
  /** Of the overlay file, absolute. */
  readonly path: string
  readonly name: string
  readonly version: 1 | 2
  /** Something is staged that a crash of the machine could still lose. */
  readonly unsaved: boolean
  /** Why the last attempt to make it stable failed. */
  readonly problem?: PlainError
  /** The newest first: each lies on the next, the last one on the image. */
  readonly checkpoints: readonly CheckpointInfo[]
}

export interface CheckpointInfo {
  readonly name: string
  readonly time: number
  /** What is staged in it alone. */
  readonly bytes: number
}

/** One run of staged blocks of one state: a row of the staged list. */
export interface StagedRun extends ByteRange {
  readonly state: 'written' | 'zeroed'
  /** Who wrote here last: `you`, or the name of an NBD client. */
  readonly origin: string
  readonly time: number
}

export interface StagedPreview {
  /** The first byte that differs from the base; absent when the run holds what the base holds. */
  readonly firstDifference?: number
  /** Bytes that differ from the base, counted over `compared` bytes of the run. */
  readonly differing: number
  readonly compared: number
  /** Up to 16 bytes from firstDifference on, as the base has them and as they are staged; hex text. */
  readonly before: string
  readonly after: string
}

export interface CommitReview {
  /** The file or URI that will be written. */
  readonly target: string
  readonly ranges: number
  readonly bytes: number
  readonly writtenBytes: number
  readonly zeroedBytes: number
  /** The first runs, for the list; `ranges` counts them all. */
  readonly sample: readonly StagedRun[]
  /** Bytes by which the target becomes longer. */
  readonly growsBy: number
  /** At most so many bytes are kept for undoing, when that is asked for. */
  readonly undoBytes: number
  /** Sentences that a person should read before the button. */
  readonly warnings: readonly string[]
  /** Why it cannot be done now; absent when it can. */
  readonly refusal?: PlainError
}

export type JobState = 'running' | 'done' | 'failed' | 'cancelled'

export interface JobInfo {
  readonly id: JobId
  readonly session: SessionId
  readonly kind: 'survey' | 'commit' | 'copy' | 'keep' | 'merge' | 'compare'
  /** `Writing 12 ranges to disk.img` */
  readonly title: string
  /** The new file that it makes. */
  readonly file?: string
  /** `writing`, `flushing`, `verifying`, … */
  readonly phase: string
  readonly done: number
  readonly total: number
  /** Bytes a second over the last moments; 0 while unknown. */
  readonly rate: number
  readonly state: JobState
  /** One sentence about how it ended. */
  readonly summary?: string
  readonly error?: PlainError
}

/** What a comparison has found: exact to the byte, ascending. */
export interface ComparisonRows {
  readonly total: number
  readonly bytes: number
  /** So many of the total can be asked for. */
  readonly kept: number
  readonly rows: readonly ByteRange[]
}

export interface NbdExportInfo {
  readonly name: string
  readonly description: string
  readonly size?: number
  readonly readOnly?: boolean
  /** Why its size is not known. */
  readonly error?: string
}

/** Requests of one kind that went well, and the bytes that they covered. */
export interface Traffic {
  readonly requests: number
  readonly bytes: number
}

export interface ExportClient {
  readonly id: number
  /** `client 3`: its name in lists of what was written by whom. */
  readonly name: string
  /** Where it comes from: `127.0.0.1:40312`; for a Unix socket that of the socket. */
  readonly peer: string
  /** The connection is encrypted. */
  readonly secure: boolean
  readonly since: number
  readonly read: Traffic
  readonly written: Traffic
  readonly zeroed: Traffic
  readonly trimmed: Traffic
  readonly flushes: number
  readonly failures: number
  /** Requests that it waits for. */
  readonly inProgress: number
}

export interface ExportTls {
  readonly mode: 'optional' | 'required'
  readonly keys: 'x509' | 'psk'
  /** Clients have to show who they are: with a certificate, or as a pre-shared key does by itself. */
  readonly verifiesClients: boolean
}

export interface ExportInfo {
  readonly id: ExportId
  readonly session: SessionId
  readonly uri: string
  readonly name: string
  readonly description: string
  readonly readOnly: boolean
  /** Absent: connections are in the clear. */
  readonly tls?: ExportTls
  readonly clients: readonly ExportClient[]
}

/** What a failed export.start may be about: `field` in the data of its error. */
export const EXPORT_FIELDS = [
  'path',
  'host',
  'port',
  'name',
  'description',
  'certificates',
  'pskFile',
] as const
export type ExportField = (typeof EXPORT_FIELDS)[number]

/** What happened to the session's disk since the last tick, by verb; bytes. */
export interface ActivityTick {
  readonly time: number
  readonly read: number
  readonly written: number
  readonly zeroed: number
  readonly trimmed: number
  readonly requests: number
}

export type ActivityVerb = 'read' | 'write' | 'zero' | 'trim'

/** Places that were touched, for the flash on the map. Coalesced; never one message a request. */
export interface Touch extends ByteRange {
  readonly verb: ActivityVerb
}

export interface CellDetail extends ByteRange {
  readonly bytes: ClassBytes
  /** The first extents of the range, as the session reads now. */
  readonly extents: readonly ExtentRow[]
  readonly moreExtents: boolean
  readonly partition?: PartitionInfo
}

/** A run of one class; `unknown` where the survey has not been yet. */
export interface ExtentRow extends ByteRange {
  readonly type: BaseClass
}

export interface DirectoryEntry {
  readonly name: string
  readonly kind: 'directory' | 'file'
  readonly size?: number
}

export interface Directory {
  readonly path: string
  readonly parent?: string
  readonly entries: readonly DirectoryEntry[]
  /** More entries than are listed. */
  readonly truncated: boolean
}

export interface RecentImage {
  readonly locator: string
  readonly name: string
  readonly time: number
}

export interface Settings {
  readonly theme: 'system' | 'light' | 'dark'
  /** Unit of staging for sessions opened from now on. */
  readonly blockSize: number
  readonly bytesPerRow: 8 | 16 | 32
}

export interface HostInfo {
  readonly host: 'desktop' | 'browser'
  readonly platform: string
  readonly version: string
  /** Native open dialogs exist; without them the page browses directories through the host. */
  readonly nativeDialogs: boolean
  readonly sessions: readonly SessionInfo[]
  readonly exports: readonly ExportInfo[]
  readonly jobs: readonly JobInfo[]
  readonly recent: readonly RecentImage[]
  readonly settings: Settings
}
