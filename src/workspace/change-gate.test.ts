import { expect, it } from 'vitest'
import { ChangeGate } from './change-gate'

function deferred() {
  let resolve: () => void = () => undefined
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve }
}

it('waits for the changes that run, and refuses those that come meanwhile', async () => {
  const gate = new ChangeGate('disk.img')
  const log: string[] = []
  const [first, inside] = [deferred(), deferred()]
  const change = gate.change(async () => {
    await first.promise
    log.push('changed')
  })
  const alone = gate.alone(async () => {
    log.push('alone')
    await inside.promise
  })
  await expect(gate.change(async () => log.push('late'))).rejects.toMatchObject({ code: 'BUSY' })
  await expect(gate.alone(async () => log.push('late'))).rejects.toMatchObject({ code: 'BUSY' })
  first.resolve()
  await change
  expect(() => gate.check()).toThrow('disk.img: its overlay is being exchanged')
  inside.resolve()
  await alone
  await gate.change(async () => log.push('after'))
  expect(log).toEqual(['changed', 'alone', 'after'])
})

it('opens again when a change, or who was alone, fails', async () => {
  const gate = new ChangeGate('disk.img')
  const fail = () => Promise.reject(new Error('no'))
  await expect(gate.change(fail)).rejects.toThrow('no')
  await expect(gate.alone(fail)).rejects.toThrow('no')
  expect(await gate.change(async () => 7)).toBe(7)
})
