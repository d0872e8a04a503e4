import { expect, test } from 'vitest'
import { connectQuestion, quitQuestion, runningQuestion } from './questions'

test('quitting says how much would be lost, and that the images are as they were', () => {
  const { options } = quitQuestion({ sessions: 2, bytes: 192 * 1024, committing: false })
  expect(options.message).toBe('192 KiB staged for 2 images would be lost')
  expect(options.detail).toContain('have not been changed')
})

test('while a commit runs nobody is told that the images are unchanged', () => {
  const { options } = quitQuestion({ sessions: 1, bytes: 4096, committing: true })
  expect(options.detail).toContain('part-way')
  expect(options.detail).not.toContain('not been changed')
})

test('what runs is named before it is cancelled, and Enter and Escape let it run', () => {
  const { options, answers } = runningQuestion(['Saving disk.img as copy.img'])
  expect(options.detail).toContain('Saving disk.img as copy.img')
  expect(answers[options.defaultId ?? -1]).toBe('stay')
  expect(answers[options.cancelId ?? -1]).toBe('stay')
  expect(answers).toHaveLength(options.buttons?.length ?? 0)
})

test('Enter and Escape lose nothing', () => {
  const { options, answers } = quitQuestion({ sessions: 1, bytes: 512, committing: false })
  expect(answers[options.defaultId ?? -1]).toBe('stay')
  expect(answers[options.cancelId ?? -1]).toBe('stay')
  expect(answers).toHaveLength(options.buttons?.length ?? 0)
})

test('the question about a server shows the whole address, and connects to nothing by itself', () => {
  const uri = 'nbd+unix:///export?socket=/run/some/where.sock'
  const options = connectQuestion(uri)
  expect(options.detail).toContain(uri)
  expect(options.buttons?.[options.defaultId ?? -1]).toBe('Cancel')
  expect(options.buttons?.[1]).toBe('Connect')
})
