// Listening sockets handed over by whoever started this process, the way systemd does it: LISTEN_PID says
// for which process they are, LISTEN_FDS how many, and they are the descriptors from 3 on.

import { PlatterError } from '../base/errors'

const FIRST = 3
/** More than anybody has use for, and few enough to look at one by one. */
const MOST = 64

/** The descriptors for this process, none mostly; takes the variables out of `env`, for no child of ours. */
export function inheritedSockets(env: NodeJS.ProcessEnv, pid: number): number[] {
  const { LISTEN_PID: forPid, LISTEN_FDS: count } = env
  for (const name of ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES']) delete env[name]
  if (forPid === undefined || count === undefined || Number(forPid) !== pid) return []
  const sockets = Number(count)
  if (!/^\d+$/.test(count) || sockets > MOST) {
    throw new PlatterError('BAD_REQUEST', `LISTEN_FDS is '${count}', not a number up to ${MOST}`)
  }
  return Array.from({ length: sockets }, (_, i) => FIRST + i)
}
