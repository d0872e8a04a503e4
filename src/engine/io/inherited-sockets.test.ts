import { describe, expect, it } from 'vitest'
import { inheritedSockets } from './inherited-sockets'

describe('sockets from whoever started the process', () => {
  it('are the descriptors from 3 on, once', () => {
    const env = { LISTEN_PID: '77', LISTEN_FDS: '2', LISTEN_FDNAMES: 'a:b', HOME: '/' }
    expect(inheritedSockets(env, 77)).toEqual([3, 4])
    expect(env).toEqual({ HOME: '/' })
    expect(inheritedSockets(env, 77)).toEqual([])
  })

  it.each<[string, NodeJS.ProcessEnv]>([
    ['for another process', { LISTEN_PID: '78', LISTEN_FDS: '1' }],
    ['without a process', { LISTEN_FDS: '1' }],
    ['of which there are none', { LISTEN_PID: '77', LISTEN_FDS: '0' }],
    ['that were not counted', { LISTEN_PID: '77' }],
  ])('are not taken: %s', (_, env) => {
    expect(inheritedSockets(env, 77)).toEqual([])
  })

  it.each(['x', '-1', '65', '1e9', ''])('are refused when there are %j', (count) => {
    const env = { LISTEN_PID: '77', LISTEN_FDS: count }
    expect(() => inheritedSockets(env, 77)).toThrow(/LISTEN_FDS/)
  })
})
