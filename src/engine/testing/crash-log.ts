// What was done to the files of a CrashFiles, with when it began and when it was said to be done: enough
// to tell, for a crash at any moment, what is surely there, and what perhaps.

/** Files keep their number under whatever name. */
export type FileNumber = number

export type CrashChange =
  | {
      readonly kind: 'write'
      readonly file: FileNumber
      readonly offset: number
      readonly bytes: Uint8Array
    }
  | {
      readonly kind: 'zero'
      readonly file: FileNumber
      readonly offset: number
      readonly length: number
    }
  | { readonly kind: 'resize'; readonly file: FileNumber; readonly size: number }

export type NameChange =
  | { readonly kind: 'create'; readonly file: FileNumber; readonly path: string }
  | {
      readonly kind: 'rename'
      readonly file: FileNumber
      readonly from: string
      readonly path: string
    }
  | { readonly kind: 'remove'; readonly path: string }

export type SyncCall =
  /** With the time of the last change where that becomes stable as well. */
  | { readonly kind: 'flush'; readonly file: FileNumber; readonly modifiedNs?: bigint }
  | { readonly kind: 'syncNames'; readonly directory: string }

export type CrashOperation = CrashChange | NameChange | SyncCall

export interface LogEntry {
  readonly operation: CrashOperation
  /** Stable by itself when it ends. */
  readonly fua: boolean
  /** Moments count everything that begins, ends or is marked. */
  readonly start: number
  /** `undefined` while it is under way, and for ever when the log ends before it does. */
  end: number | undefined
}

export interface LogMark {
  readonly note: unknown
  readonly at: number
}

export class CrashLog {
  readonly entries: LogEntry[] = []
  readonly marks: LogMark[] = []
  #now = 0

  get now(): number {
    return this.#now
  }

  begin(operation: CrashOperation, fua = false): LogEntry {
    const entry: LogEntry = { operation, fua, start: ++this.#now, end: undefined }
    this.entries.push(entry)
    return entry
  }

  finish(entry: LogEntry): void {
    entry.end = ++this.#now
  }

  mark(note: unknown): void {
    this.marks.push({ note, at: ++this.#now })
  }
}

export const isSync = (operation: CrashOperation): operation is SyncCall =>
  operation.kind === 'flush' || operation.kind === 'syncNames'

export const isNameChange = (operation: CrashOperation): operation is NameChange =>
  operation.kind === 'create' || operation.kind === 'rename' || operation.kind === 'remove'

export function directoryOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}

/** For the message of a test that failed. */
export function describeOperation(operation: CrashOperation): string {
  switch (operation.kind) {
    case 'write':
      return `write ${operation.bytes.length} bytes at ${operation.offset} of file ${operation.file}`
    case 'zero':
      return `zero ${operation.length} bytes at ${operation.offset} of file ${operation.file}`
    case 'resize':
      return `resize file ${operation.file} to ${operation.size}`
    case 'create':
      return `create ${operation.path} as file ${operation.file}`
    case 'rename':
      return `rename ${operation.from} to ${operation.path}`
    case 'remove':
      return `remove ${operation.path}`
    case 'flush':
      return `flush file ${operation.file}`
    case 'syncNames':
      return `sync names in ${operation.directory}`
  }
}
