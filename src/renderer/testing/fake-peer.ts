// A host that is not there: answers every request of the contract from a FakeDisk, in this page, so
// that the page can be tested and looked at alone. One session, opened from the start. Answers come
// after `latencyMs`; failures are put in by hand (`failReads`, `failWrites`).

import type {
  EventName,
  Events,
  Params,
  RequestName,
  Result,
  StreamName,
  Streams,
  WithBytes,
} from '../../bridge/contract'
import { encodeCells } from '../../bridge/frames'
import type {
  ActivityTick,
  ActivityVerb,
  ExportInfo,
  ExtentRow,
  HostInfo,
  JobInfo,
  SessionInfo,
  Settings,
} from '../../bridge/model'
import type { Peer, RequestOptions, StreamEvents, StreamHandle } from '../../bridge/peer'
import { abortedError, PlatterError } from '../../engine/base/errors'
import type { ByteRange } from '../../engine/base/ranges'
import { endOf, intersect } from '../../engine/base/ranges'
import type { FakeDiskOptions } from './fake-disk'
import { FakeDisk } from './fake-disk'

export interface FakePeerOptions extends FakeDiskOptions {
  readonly latencyMs?: number
  readonly name?: string
}

type Handlers = {
  [N in RequestName]: (params: Params<N>, bytes: Uint8Array | undefined) => WithBytes<Result<N>>
}

interface OpenStream {
  readonly params: Streams['map.cells']['params']
  readonly events: StreamEvents<'map.cells'>
  sentEpoch: number
  busy: boolean
  closed: boolean
}

export class FakePeer implements Peer {
  readonly disk: FakeDisk
  readonly session = 'session-1'
  latencyMs: number
  /** Ranges that cannot be read, or staged to. */
  failReads: ByteRange | undefined
  failWrites: ByteRange | undefined
  epoch = 1
  readonly requests: { name: RequestName; params: unknown }[] = []
  readonly #name: string
  #settings: Settings = { theme: 'system', blockSize: 65536, bytesPerRow: 16 }
  #listeners = new Map<EventName, Set<(data: never) => void>>()
  #streams = new Set<OpenStream>()
  #exports: ExportInfo[] = []
  #ticks: ActivityTick[] = []

  constructor({ latencyMs = 0, name = 'debian-12.img', ...disk }: FakePeerOptions = {}) {
    this.disk = new FakeDisk(disk)
    this.latencyMs = latencyMs
    this.#name = name
  }

  async request<N extends RequestName>(
    name: N,
    params: Params<N>,
    { bytes, signal }: RequestOptions = {},
  ): Promise<WithBytes<Result<N>>> {
    this.requests.push({ name, params })
    await this.#delay(signal, name)
    const handler = this.#handlers[name] as (
      params: Params<N>,
      bytes: Uint8Array | undefined,
    ) => WithBytes<Result<N>>
    return handler(params, bytes)
  }

  on<E extends EventName>(name: E, listener: (data: Events[E]) => void): () => void {
    const listeners = this.#listeners.get(name) ?? new Set()
    this.#listeners.set(name, listeners)
    listeners.add(listener as (data: never) => void)
    return () => listeners.delete(listener as (data: never) => void)
  }

  emit<E extends EventName>(name: E, data: Events[E]): void {
    for (const listener of this.#listeners.get(name) ?? []) listener(data as never)
  }

  openStream<S extends StreamName>(
    name: S,
    params: Streams[S]['params'],
    events: StreamEvents<S>,
  ): StreamHandle {
    // Nobody is connected to what it serves, so nothing is asked for.
    if (name !== 'map.cells') return { close: () => undefined }
    const cells = { params, events } as unknown as Pick<OpenStream, 'params' | 'events'>
    const stream: OpenStream = { ...cells, sentEpoch: 0, busy: false, closed: false }
    this.#streams.add(stream)
    void this.#feed(stream)
    return {
      close: () => {
        stream.closed = true
        this.#streams.delete(stream)
      },
    }
  }

  get openStreams(): number {
    return this.#streams.size
  }

  sessionInfo(): SessionInfo {
    const { disk } = this
    const totals = disk.classBytes({ offset: 0, length: disk.size })
    return {
      id: this.session,
      image: {
        locator: `/images/${this.#name}`,
        name: this.#name,
        kind: 'file',
        format: 'raw',
        size: disk.size,
        allocated: totals.data + totals.zero,
        blockSize: { minimum: 1, preferred: 65536, maximum: 32 * 1024 * 1024 },
        hasExtents: true,
      },
      blockSize: disk.blockSize,
      partitions: { scheme: 'gpt', partitions: disk.partitions, problems: [] },
      surveyed: disk.surveyedTo / disk.size,
      totals,
      stagedRuns: disk.stagedRuns().length,
      epoch: this.epoch,
    }
  }

  /** What a client of an export did, in one go. */
  act(verb: ActivityVerb, range: ByteRange, origin = 'client 1'): void {
    const time = Date.now()
    if (verb === 'write') this.disk.write(range.offset, noise(range), origin, time)
    else if (verb !== 'read') this.disk.zero(range, origin, time)
    const amount = (of: ActivityVerb) => (verb === of ? range.length : 0)
    const tick: ActivityTick = {
      time,
      read: amount('read'),
      written: amount('write'),
      zeroed: amount('zero'),
      trimmed: amount('trim'),
      requests: 1,
    }
    this.#ticks = [...this.#ticks.slice(-299), tick]
    this.emit('activity.tick', { session: this.session, tick })
    this.#changed(verb === 'read' ? [] : [range], { verb, ...range })
  }

  /** Moves the front of the survey. */
  survey(to: number): void {
    const from = Math.min(to, this.disk.surveyedTo)
    this.disk.surveyedTo = Math.min(to, this.disk.size)
    this.#changed([{ offset: from, length: this.disk.surveyedTo - from }])
  }

  #changed(changed: readonly ByteRange[], ...touches: Events['session.touched']['touches']): void {
    if (changed.length > 0) this.epoch++
    this.emit('session.touched', { session: this.session, epoch: this.epoch, changed, touches })
    if (changed.length === 0) return
    this.emit('session.changed', this.sessionInfo())
    for (const stream of this.#streams) void this.#feed(stream)
  }

  async #feed(stream: OpenStream): Promise<void> {
    if (stream.busy) return
    stream.busy = true
    while (!stream.closed && stream.sentEpoch !== this.epoch) {
      await this.#delay(undefined, 'map.cells')
      if (stream.closed) break
      stream.sentEpoch = this.epoch
      const { cellBytes, firstCell, cellCount } = stream.params
      const columns = this.disk.cells(cellBytes, firstCell, cellCount)
      const frame = { epoch: this.epoch, cellBytes, firstCell }
      await stream.events.onFrame(frame, encodeCells(columns))
    }
    stream.busy = false
  }

  async #delay(signal: AbortSignal | undefined, what: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      if (signal?.aborted) return reject(abortedError(signal, what))
      const timer = setTimeout(() => resolve(), this.latencyMs)
      signal?.addEventListener(
        'abort',
        () => {
          clearTimeout(timer)
          reject(abortedError(signal, what))
        },
        { once: true },
      )
    })
  }

  /** The session's extents as it reads now: the base's, with staged runs laid over. */
  #extents(): ExtentRow[] {
    const rows: ExtentRow[] = []
    const put = (range: ByteRange, type: ExtentRow['type']) => {
      const last = rows.at(-1)
      if (last?.type === type && endOf(last) === range.offset) {
        rows[rows.length - 1] = { ...last, length: last.length + range.length }
      } else if (range.length > 0) rows.push({ offset: range.offset, length: range.length, type })
    }
    let at = 0
    const baseUpTo = (end: number) => {
      if (end <= at) return
      for (const row of this.disk.extentsIn({ offset: at, length: end - at })) put(row, row.type)
    }
    for (const run of this.disk.stagedRuns()) {
      baseUpTo(run.offset)
      put(run, run.state === 'written' ? 'data' : 'zero')
      at = endOf(run)
    }
    baseUpTo(this.disk.size)
    return rows
  }

  #refuseIn(range: ByteRange, bad: ByteRange | undefined, what: string): void {
    const hit = bad && intersect(bad, range)
    if (!hit) return
    throw new PlatterError('IO_ERROR', `${what} at ${hit.offset}: input/output error, unchanged`)
  }

  #job(kind: JobInfo['kind'], title: string, total: number): JobInfo {
    const id = `job-${this.epoch}`
    const job = { id, session: this.session, kind, title, phase: 'writing', rate: 0, total }
    const done: JobInfo = { ...job, done: total, state: 'done', summary: `${title}: done` }
    setTimeout(() => this.emit('job.changed', done), 1000)
    const running: JobInfo = { ...job, done: total / 2, state: 'running' }
    this.emit('job.changed', running)
    return running
  }

  readonly #handlers: Handlers = {
    'host.hello': () => {
      const hello: HostInfo = {
        host: 'browser',
        platform: 'linux',
        version: '0.1.0',
        nativeDialogs: false,
        sessions: [this.sessionInfo()],
        exports: this.#exports,
        jobs: [],
        recent: [{ locator: `/images/${this.#name}`, name: this.#name, time: Date.now() }],
        settings: this.#settings,
      }
      return { value: hello }
    },
    'settings.set': ({ settings }) => {
      this.#settings = { ...this.#settings, ...settings }
      this.emit('settings.changed', this.#settings)
      return { value: this.#settings }
    },
    'dialog.openImage': () => ({ value: { locator: `/images/${this.#name}` } }),
    'dialog.saveFile': ({ path }) => ({ value: { path } }),
    'files.list': ({ path = '/images' }) => ({
      value: {
        path,
        parent: '/',
        entries: [
          { name: 'old', kind: 'directory' },
          { name: this.#name, kind: 'file', size: this.disk.size },
        ],
        truncated: false,
      },
    }),
    'nbd.list': () => ({
      value: { exports: [{ name: '', description: 'default', size: this.disk.size }] },
    }),
    'session.open': () => ({ value: this.sessionInfo() }),
    'session.close': () => {
      this.emit('session.closed', { session: this.session })
      return { value: {} }
    },
    'session.info': () => ({ value: this.sessionInfo() }),
    'map.detail': ({ offset, length }) => {
      const range = { offset, length }
      const rows = this.#extents().filter((row) => intersect(row, range))
      const partition = this.disk.partitions.find((p) => intersect(p, range))
      return {
        value: {
          ...range,
          bytes: this.disk.classBytes(range),
          extents: rows.slice(0, 64),
          moreExtents: rows.length > 64,
          ...(partition ? { partition } : {}),
        },
      }
    },
    'map.extents': ({ first, count }) => {
      const rows = this.#extents()
      return { value: { total: rows.length, rows: rows.slice(first, first + count) } }
    },
    'map.extentAt': ({ offset }) => ({
      value: { index: this.#extents().findIndex((row) => endOf(row) > offset) },
    }),
    'map.next': ({ offset, what, backwards }) => {
      const rows: readonly ByteRange[] =
        what === 'staged' ? this.disk.stagedRuns() : this.#extents()
      const starts = rows.map((row) => row.offset)
      const found = backwards
        ? starts.findLast((start) => start < offset)
        : starts.find((start) => start > offset)
      return { value: found === undefined ? {} : { offset: found } }
    },
    'bytes.read': ({ offset, length }) => {
      this.#refuseIn({ offset, length }, this.failReads, 'read')
      return { value: { epoch: this.epoch }, bytes: this.disk.read({ offset, length }) }
    },
    'stage.write': ({ offset }, bytes = new Uint8Array(0)) => {
      this.#refuseIn({ offset, length: bytes.length }, this.failWrites, 'stage')
      const range = this.disk.write(offset, bytes, 'you', Date.now())
      this.#changed([range], { verb: 'write', ...range })
      return { value: { epoch: this.epoch } }
    },
    'stage.zero': ({ offset, length }) => {
      this.#refuseIn({ offset, length }, this.failWrites, 'stage')
      const range = this.disk.zero({ offset, length }, 'you', Date.now())
      this.#changed([range], { verb: 'zero', ...range })
      return { value: { epoch: this.epoch } }
    },
    'stage.list': ({ first, count }) => {
      const rows = this.disk.stagedRuns()
      const bytes = rows.reduce((sum, row) => sum + row.length, 0)
      return { value: { total: rows.length, bytes, rows: rows.slice(first, first + count) } }
    },
    'stage.preview': ({ offset, length }) => ({
      value: {
        firstDifference: offset,
        differing: 16,
        compared: length,
        before: '00'.repeat(16),
        after: hex(this.disk.read({ offset, length: 16 })),
      },
    }),
    'stage.discard': ({ ranges = [{ offset: 0, length: this.disk.size }] }) => {
      const gone = this.disk.discard(ranges)
      this.#changed(gone)
      return { value: { bytes: gone.reduce((sum, range) => sum + range.length, 0) } }
    },
    'commit.review': () => {
      const sample = this.disk.stagedRuns()
      const sum = (state: string) =>
        sample.reduce((all, run) => all + (run.state === state ? run.length : 0), 0)
      const [writtenBytes, zeroedBytes] = [sum('written'), sum('zeroed')]
      return {
        value: {
          target: `/images/${this.#name}`,
          ranges: sample.length,
          bytes: writtenBytes + zeroedBytes,
          writtenBytes,
          zeroedBytes,
          sample: sample.slice(0, 50),
          growsBy: 0,
          undoBytes: writtenBytes + zeroedBytes,
          warnings: [],
        },
      }
    },
    'commit.start': () => ({ value: { job: this.#job('commit', 'Writing', 1000).id } }),
    'save.start': () => ({ value: { job: this.#job('copy', 'Saving', 1000).id } }),
    'undo.review': () => {
      const undo = { path: '/state/undo-1', bytes: 1000, time: 0, isRedo: false }
      return { value: { ...undo, target: `/images/${this.#name}`, shrinksBy: 0, warnings: [] } }
    },
    'undo.start': () => ({ value: { job: this.#job('commit', 'Undoing', 1000).id } }),
    'recover.finish': () => ({ value: { job: this.#job('commit', 'Writing', 1000).id } }),
    'recover.undo': () => ({ value: { job: this.#job('commit', 'Undoing', 1000).id } }),
    'compare.start': () => ({ value: { job: this.#job('compare', 'Comparing', 1000).id } }),
    'compare.rows': () => ({ value: { total: 0, bytes: 0, kept: 0, rows: [] } }),
    'overlay.keep': () => ({ value: { job: this.#job('keep', 'Keeping', 1000).id } }),
    'overlay.save': () => ({ value: {} }),
    'checkpoint.make': ({ name = 'checkpoint 1' }) => ({ value: { name } }),
    'checkpoint.back': () => ({ value: { name: 'checkpoint 1' } }),
    'checkpoint.merge': () => ({ value: { job: this.#job('merge', 'Merging', 1000).id } }),
    'job.cancel': () => ({ value: {} }),
    'export.start': ({ transport, name = '', description = '', readOnly = false }) => {
      const uri =
        transport.kind === 'unix'
          ? 'nbd+unix:///?socket=/tmp/platter.sock'
          : `nbd://127.0.0.1:${transport.port ?? 10809}/`
      const info: ExportInfo = {
        id: 'export-1',
        session: this.session,
        uri,
        name,
        description,
        readOnly,
        clients: [],
      }
      this.#exports = [info]
      this.emit('export.changed', info)
      return { value: info }
    },
    'export.stop': () => {
      this.#exports = []
      this.emit('export.stopped', { export: 'export-1', session: this.session })
      return { value: {} }
    },
    'export.disconnect': () => ({ value: {} }),
    'export.clearLog': () => ({ value: {} }),
    'activity.history': () => ({ value: { ticks: this.#ticks } }),
  }
}

const noise = ({ offset, length }: ByteRange) =>
  Uint8Array.from({ length }, (_, i) => (offset / 512 + i * 7) & 0xff)

const hex = (bytes: Uint8Array) =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
