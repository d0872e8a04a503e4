// What the host has said: sessions, jobs, exports, activity. Every entry is the newest that was heard;
// nothing is worked out here.

import type { StateCreator } from 'zustand'
import type {
  ActivityTick,
  ExportId,
  ExportInfo,
  HostInfo,
  JobId,
  JobInfo,
  SessionId,
  SessionInfo,
} from '../../bridge/model'
import type { AppState } from './app-state'

/** Five minutes at four ticks a second. */
export const MAX_TICKS = 1200
const MAX_JOBS = 40

export interface SessionsSlice {
  /** In the order of their tabs. */
  readonly sessions: readonly SessionInfo[]
  readonly activeId: SessionId | undefined
  /** Running ones and the last that ended. */
  readonly jobs: readonly JobInfo[]
  /** The job whose end is still being told. */
  readonly toldJob: JobId | undefined
  readonly exports: readonly ExportInfo[]
  readonly activity: Readonly<Record<SessionId, readonly ActivityTick[]>>
  takeHello(hello: HostInfo): void
  putSession(session: SessionInfo): void
  dropSession(id: SessionId): void
  activate(id: SessionId): void
  putJob(job: JobInfo): void
  hideJob(id: JobId): void
  putExport(info: ExportInfo): void
  dropExport(id: ExportId): void
  putTicks(id: SessionId, ticks: readonly ActivityTick[]): void
}

/** Replaces the entry with the same id, else appends it. */
export function put<T extends { readonly id: string }>(list: readonly T[], entry: T): readonly T[] {
  const index = list.findIndex((each) => each.id === entry.id)
  return index < 0 ? [...list, entry] : list.with(index, entry)
}

const isOf = (dialog: AppState['dialog'], session: SessionId) =>
  dialog !== undefined && 'session' in dialog && dialog.session === session

const without = <T extends { readonly id: string }>(list: readonly T[], id: string) =>
  list.filter((each) => each.id !== id)

export const sessionsSlice: StateCreator<AppState, [], [], SessionsSlice> = (set) => ({
  sessions: [],
  activeId: undefined,
  jobs: [],
  toldJob: undefined,
  exports: [],
  activity: {},

  takeHello: ({ sessions, exports, jobs, recent, settings, ...host }) =>
    set((state) => {
      const stays = sessions.some((each) => each.id === state.activeId)
      const activeId = stays ? state.activeId : sessions.at(-1)?.id
      return { host, sessions, exports, jobs, recent, settings, activeId }
    }),

  putSession: (session) =>
    set((state) => {
      const known = state.sessions.find((each) => each.id === session.id)
      if (known !== undefined && known.epoch > session.epoch) return state
      return { sessions: put(state.sessions, session) }
    }),

  dropSession: (id) =>
    set((state) => {
      const index = state.sessions.findIndex((each) => each.id === id)
      const sessions = without(state.sessions, id)
      const next = sessions[Math.min(index, sessions.length - 1)]?.id
      const { [id]: _view, ...views } = state.views
      const { [id]: _ticks, ...activity } = state.activity
      return {
        sessions,
        views,
        activity,
        activeId: state.activeId === id ? next : state.activeId,
        jobs: state.jobs.filter((job) => job.session !== id),
        exports: state.exports.filter((each) => each.session !== id),
        dialog: isOf(state.dialog, id) ? undefined : state.dialog,
      }
    }),

  activate: (activeId) => set({ activeId }),
  putJob: (job) =>
    set((state) => ({ jobs: put(state.jobs, job).slice(-MAX_JOBS), toldJob: job.id })),
  hideJob: (id) => set((state) => (state.toldJob === id ? { toldJob: undefined } : state)),
  putExport: (info) => set((state) => ({ exports: put(state.exports, info) })),
  dropExport: (id) => set((state) => ({ exports: without(state.exports, id) })),
  putTicks: (id, ticks) =>
    set((state) => ({
      activity: { ...state.activity, [id]: mergeTicks(state.activity[id] ?? [], ticks) },
    })),
})

/** History that arrives late goes before what has been heard live; the oldest are dropped. */
function mergeTicks(
  known: readonly ActivityTick[],
  more: readonly ActivityTick[],
): readonly ActivityTick[] {
  const last = known.at(-1)?.time ?? Number.NEGATIVE_INFINITY
  const first = known[0]?.time ?? Number.POSITIVE_INFINITY
  const older = more.filter((tick) => tick.time < first)
  const newer = known.length === 0 ? [] : more.filter((tick) => tick.time > last)
  return [...older, ...known, ...newer].slice(-MAX_TICKS)
}
