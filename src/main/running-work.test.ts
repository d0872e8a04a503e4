import { expect, test } from 'vitest'
import type { JobInfo } from '../bridge/model'
import { RunningWork } from './running-work'

function record() {
  const log: string[] = []
  const work = new RunningWork({
    showProgress: (fraction) => log.push(`progress ${fraction}`),
    stayAwake: (awake) => log.push(awake ? 'awake' : 'may sleep'),
  })
  return { log, work }
}

const job = (fields: Partial<JobInfo>): JobInfo => ({
  id: 'j1',
  session: 's1',
  kind: 'commit',
  title: 'Writing 1 range to a.img',
  phase: 'writing',
  done: 0,
  total: 100,
  rate: 0,
  state: 'running',
  ...fields,
})

test('a commit shows its progress and keeps the machine awake until it ended', () => {
  const { log, work } = record()
  work.onEvent('job.changed', job({ done: 25 }))
  work.onEvent('job.changed', job({ done: 100, state: 'done' }))
  expect(log).toEqual(['progress 0.25', 'awake', 'progress -1', 'may sleep'])
})

test('of two commits the one that is further behind is shown', () => {
  const { log, work } = record()
  work.onEvent('job.changed', job({ done: 50 }))
  work.onEvent('job.changed', job({ id: 'j2', done: 10 }))
  expect(log.at(-2)).toBe('progress 0.1')
})

test('an export keeps the machine awake, also after a commit has failed', () => {
  const { log, work } = record()
  const served = {
    id: 'e1',
    session: 's1',
    uri: '',
    name: '',
    description: '',
    readOnly: false,
    clients: [],
  }
  work.onEvent('export.changed', served)
  work.onEvent('job.changed', job({}))
  work.onEvent('job.changed', job({ state: 'failed' }))
  expect(log.at(-1)).toBe('awake')
  work.onEvent('export.stopped', { export: 'e1', session: 's1' })
  expect(log.at(-1)).toBe('may sleep')
})

test('a file that is being saved shows like a commit', () => {
  const { log, work } = record()
  work.onEvent('job.changed', job({ kind: 'copy', done: 50 }))
  expect(log).toEqual(['progress 0.5', 'awake'])
})

test('mapping an image is nothing that the machine should know of', () => {
  const { log, work } = record()
  work.onEvent('job.changed', job({ kind: 'survey' }))
  expect(log.filter((line) => line !== 'may sleep')).toEqual([])
})
