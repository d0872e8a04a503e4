// What a lasting overlay asks of its store and of its ledger, in order and not once more than needed.

import { describe, expect, it } from 'vitest'
import { BLOCK_WRITTEN } from '../base/block-leaf'
import { BlockStates } from '../base/block-states'
import { PlatterError } from '../base/errors'
import type { BlockLedger } from '../disk/block-ledger'
import { MemoryDisk } from '../disk/memory-disk'
import { expectCode, expectSameBytes } from '../testing/expect-disk'
import { failureOf, isPending } from '../testing/fail-nth'
import { GateDisk } from '../testing/gate-disk'
import { randomBytes } from '../testing/overlay-setup'
import { FaultDisk } from './fault'
import { describeRequest, LogDisk } from './log'
import { OverlayDisk } from './overlay'

const BLOCK = 4096
const COUNT = 64

/** Writes what it is told into the log, and fails where `fail` says. */
class LogLedger implements BlockLedger {
  readonly states = new BlockStates(COUNT)
  /** What a reader would find. */
  readonly recorded = new BlockStates(COUNT)
  readonly #log: string[]
  #begun = false
  failures = 0
  hold: Promise<void> | undefined
  /** Blocks taken in one go. */
  most = COUNT

  constructor(
    log: string[],
    readonly keepsZeroes: boolean,
  ) {
    this.#log = log
  }

  begin(): Promise<void> | undefined {
    if (this.#begun) return undefined
    this.#log.push('begin')
    this.#begun = true
    return Promise.resolve()
  }

  take(changed: BlockStates, from: number) {
    const end = Math.min(COUNT, from + this.most)
    const taken = [...changed.stagedRuns(from, end)].flatMap(({ first, count }) =>
      Array.from({ length: count }, (_, i) => [first + i, this.states.get(first + i)] as const),
    )
    const record = async () => {
      this.#log.push(`record ${taken.map(([block, state]) => `${block}:${state}`).join(' ')}`)
      await this.hold
      if (this.failures > 0) {
        this.failures--
        throw new PlatterError('IO_ERROR', 'ledger: made to fail')
      }
      for (const [block, state] of taken) this.recorded.set(block, 1, state)
    }
    return { end, record }
  }

  async end() {
    this.#log.push('end')
  }

  async close() {
    this.#log.push('close')
  }
}

function makeLasting(options: { readonly keepsZeroes?: boolean } = {}) {
  const log: string[] = []
  const baseBytes = randomBytes(COUNT * BLOCK, 1)
  const memory = new MemoryDisk(COUNT * BLOCK)
  const fault = new FaultDisk({ disk: memory })
  const gate = new GateDisk(fault)
  const store = new LogDisk({
    disk: gate,
    onRequest: (request) => {
      if (request.operation !== 'read') log.push(describeRequest(request))
    },
  })
  const ledger = new LogLedger(log, options.keepsZeroes !== false)
  const overlay = new OverlayDisk({
    base: MemoryDisk.from(baseBytes),
    store,
    blockSize: BLOCK,
    ledger,
  })
  /** What was logged since the last look. */
  const news = () => log.splice(0)
  return { overlay, ledger, news, fault, gate, baseBytes }
}

const bytes = (blocks: number, seed = 2) => randomBytes(blocks * BLOCK, seed)

describe('a flush of a lasting overlay', () => {
  it('makes bytes stable first, and then what exposes them', async () => {
    const { overlay, news } = makeLasting()
    await overlay.write(bytes(2), 3 * BLOCK)
    expect(news()).toEqual(['begin', `write ${3 * BLOCK}+${2 * BLOCK}`])
    await overlay.flush()
    expect(news()).toEqual(['flush', 'record 3:1 4:1'])
  })

  it('costs nothing when nothing is new', async () => {
    const { overlay, news } = makeLasting()
    await overlay.flush()
    expect(news()).toEqual([])
    await overlay.write(bytes(1), 0)
    await overlay.read(new Uint8Array(BLOCK), 0)
    await overlay.flush()
    news()
    await overlay.flush()
    await overlay.read(new Uint8Array(BLOCK), 0)
    await overlay.extents(0, overlay.size)
    await overlay.cache(0, BLOCK)
    await overlay.trim(5, 10)
    await overlay.flush()
    expect(news()).toEqual([])
  })

  it('is two syncs for many small writes, and one for writes over written blocks', async () => {
    const { overlay, news } = makeLasting()
    for (let i = 0; i < 100; i++) await overlay.write(bytes(1).subarray(0, 10), i * 700)
    news()
    await overlay.flush()
    const blocks = Array.from({ length: 17 }, (_, i) => `${i}:1`)
    expect(news()).toEqual(['flush', `record ${blocks.join(' ')}`])
    for (let i = 0; i < 50; i++) await overlay.write(bytes(1).subarray(0, 10), i * 700)
    news()
    await overlay.flush()
    expect(news()).toEqual(['flush'])
  })

  it('has no bytes to make stable for zeroes', async () => {
    const { overlay, news } = makeLasting()
    await overlay.zero(0, 2 * BLOCK)
    await overlay.trim(8 * BLOCK, BLOCK)
    await overlay.flush()
    expect(news()).toEqual(['begin', 'record 0:2 1:2 8:2'])
  })

  it('is part of a write, a zero and a trim that have to be stable', async () => {
    const { overlay, news } = makeLasting()
    await overlay.write(bytes(1), 0, { fua: true })
    expect(news()).toEqual(['begin', `write 0+${BLOCK}`, 'flush', 'record 0:1'])
    await overlay.write(bytes(1).subarray(0, 7), 1, { fua: true })
    expect(news()).toEqual(['write 1+7', 'flush'])
    await overlay.zero(BLOCK, BLOCK, { fua: true })
    await overlay.trim(2 * BLOCK, BLOCK, { fua: true })
    expect(news()).toEqual(['record 1:2', 'record 2:2'])
  })

  it('is shared by all who come while one runs', async () => {
    const { overlay, news, gate } = makeLasting()
    await overlay.write(bytes(1), 0)
    const held = gate.hold(({ operation }) => operation === 'flush')
    const first = overlay.flush()
    await held.reached
    const alongside = overlay.flush()
    await overlay.write(bytes(1), BLOCK)
    await overlay.zero(2 * BLOCK, BLOCK)
    const later = [overlay.flush(), overlay.flush(), overlay.flush()]
    expect(await isPending(alongside)).toBe(true)
    news()
    held.release()
    await Promise.all([first, alongside])
    await Promise.all(later)
    expect(news()).toEqual(['record 0:1', 'flush', 'record 1:1 2:2'])
  })

  it('does not tell of writes that came after the states were noted', async () => {
    const { overlay, ledger, news } = makeLasting()
    await overlay.write(bytes(1), 0)
    let release = (): void => undefined
    ledger.hold = new Promise((resolve) => {
      release = resolve
    })
    const flush = overlay.flush()
    expect(await isPending(flush)).toBe(true)
    await overlay.write(bytes(1), BLOCK)
    release()
    await flush
    expect(ledger.recorded.get(1)).toBe(0)
    news()
    await overlay.flush()
    expect(news()).toEqual(['flush', 'record 1:1'])
  })

  it('goes in rounds where the ledger takes some blocks at a time', async () => {
    const { overlay, ledger, news } = makeLasting()
    ledger.most = 20
    for (const block of [1, 19, 20, 45]) await overlay.write(bytes(1), block * BLOCK)
    news()
    await overlay.flush()
    expect(news()).toEqual(['flush', 'record 1:1 19:1', 'record 20:1', 'record 45:1', 'record '])
  })
})

describe('a flush that fails', () => {
  it('in the store tells nothing to the ledger, and all of it is flushed the next time', async () => {
    const { overlay, ledger, news, fault } = makeLasting()
    await overlay.write(bytes(1), 0)
    fault.plan([{ operation: 'flush', code: 'NO_SPACE', times: 1 }])
    await expectCode(overlay.flush(), 'NO_SPACE')
    expect(news().at(-1)).toBe('flush')
    expect(ledger.recorded.totals.written).toBe(0)
    await overlay.flush()
    expect(news()).toEqual(['flush', 'record 0:1'])
  })

  it('in the ledger is told to all who waited, and is made up for', async () => {
    const { overlay, ledger, news } = makeLasting()
    await overlay.write(bytes(1), 0)
    ledger.failures = 1
    const [one, two] = [overlay.flush(), overlay.flush()]
    expect(await failureOf(one)).toMatchObject({ code: 'IO_ERROR' })
    expect(await failureOf(two)).toMatchObject({ code: 'IO_ERROR' })
    ledger.failures = 1
    await expectCode(overlay.write(bytes(1), BLOCK, { fua: true }), 'IO_ERROR')
    news()
    await overlay.flush()
    expect(news()).toEqual(['record 0:1 1:1'])
    await overlay.flush()
    expect(news()).toEqual([])
  })

  it('is not what the next flush is told, which tries again', async () => {
    const { overlay, ledger } = makeLasting()
    await overlay.write(bytes(1), 0)
    let release = (): void => undefined
    ledger.hold = new Promise((resolve) => {
      release = resolve
    })
    ledger.failures = 1
    const first = overlay.flush()
    expect(await isPending(first)).toBe(true)
    await overlay.write(bytes(1), BLOCK)
    const second = overlay.flush()
    release()
    expect(await failureOf(first)).toMatchObject({ code: 'IO_ERROR' })
    await second
    expect(ledger.recorded.totals.written).toBe(2)
  })
})

describe('space of a lasting overlay', () => {
  it('is given back when it is stable that it is not needed', async () => {
    const { overlay, news } = makeLasting()
    await overlay.write(bytes(4), 0)
    await overlay.flush()
    news()
    expect(await overlay.discard([{ offset: BLOCK, length: BLOCK }])).toBe(BLOCK)
    expect(news()).toEqual(['record 1:0', `trim ${BLOCK}+${BLOCK}`])
    await overlay.zero(2 * BLOCK, 2 * BLOCK)
    expect(news()).toEqual([])
    await overlay.close()
    expect(news()).toEqual(['record 2:2 3:2', `trim ${2 * BLOCK}+${2 * BLOCK}`, 'end', 'close'])
  })

  it('is kept when a discard cannot be made stable, and given back with the next flush', async () => {
    const { overlay, ledger, news } = makeLasting()
    await overlay.write(bytes(1), 0)
    await overlay.flush()
    news()
    ledger.failures = 1
    await expectCode(overlay.discard(), 'IO_ERROR')
    expect(news()).toEqual(['record 0:0'])
    await overlay.flush()
    await overlay.close()
    expect(news()).toEqual(['record 0:0', `trim 0+${BLOCK}`, 'end', 'close'])
  })

  it('is not given back under a block that was written again', async () => {
    const { overlay, ledger, news, baseBytes } = makeLasting()
    await overlay.write(bytes(2), 0)
    await overlay.flush()
    await overlay.zero(0, 2 * BLOCK)
    let release = (): void => undefined
    ledger.hold = new Promise((resolve) => {
      release = resolve
    })
    const flush = overlay.flush()
    expect(await isPending(flush)).toBe(true)
    await overlay.write(bytes(1, 9), 0)
    news()
    release()
    await flush
    await overlay.flush()
    await overlay.close()
    expect(news()).toEqual([`trim ${BLOCK}+${BLOCK}`, 'flush', 'record 0:1', 'end', 'close'])
    expect(baseBytes.length).toBe(COUNT * BLOCK)
  })

  it('waits for the flush after next when its block changed while the last one ran', async () => {
    const { overlay, ledger, news } = makeLasting()
    await overlay.write(bytes(1), 0)
    await overlay.zero(0, BLOCK)
    let release = (): void => undefined
    ledger.hold = new Promise((resolve) => {
      release = resolve
    })
    const flush = overlay.flush()
    expect(await isPending(flush)).toBe(true)
    await overlay.write(bytes(1), 0)
    await overlay.zero(0, BLOCK)
    news()
    release()
    await flush
    expect(await isPending(overlay.read(new Uint8Array(1), 0))).toBe(false)
    expect(news()).toEqual([])
    await overlay.close()
    expect(news()).toEqual(['flush', 'record 0:2', `trim 0+${BLOCK}`, 'end', 'close'])
  })
})

describe('an overlay whose ledger has no zeroes', () => {
  it('zeroes its store, and marks that', async () => {
    const { overlay, news, baseBytes } = makeLasting({ keepsZeroes: false })
    await overlay.zero(100, 3 * BLOCK)
    await overlay.trim(8 * BLOCK, BLOCK)
    const read = new Uint8Array(10 * BLOCK)
    await overlay.read(read, 0)
    const expected = baseBytes.slice(0, 10 * BLOCK)
    expected.fill(0, 100, 100 + 3 * BLOCK)
    expected.fill(0, 8 * BLOCK, 9 * BLOCK)
    expectSameBytes(read, expected)
    expect(overlay.staged()).toEqual({ written: 5 * BLOCK, zeroed: 0 })
    news()
    await overlay.flush()
    expect(news()).toEqual(['flush', 'record 0:1 1:1 2:1 3:1 8:1'])
  })

  it('fails a zero with the store, and then nothing is marked', async () => {
    const { overlay, fault } = makeLasting({ keepsZeroes: false })
    fault.plan([{ operation: 'zero', code: 'NO_SPACE' }])
    await expectCode(overlay.zero(0, BLOCK), 'NO_SPACE')
    await expectCode(overlay.trim(0, BLOCK), 'NO_SPACE')
    expect(overlay.staged().written).toBe(0)
  })
})

describe('the beginning and the end', () => {
  it('are told once, and neither to an overlay that was only read', async () => {
    const { overlay, ledger, news } = makeLasting()
    await overlay.read(new Uint8Array(10), 0)
    await overlay.close()
    await overlay.close()
    expect(news()).toEqual(['end', 'close', 'close'])
    expect(ledger.recorded.totals.written).toBe(0)
  })

  it('come in order when a flush at the end fails: it is told, all is closed, nothing is ended', async () => {
    const { overlay, ledger, news } = makeLasting()
    await overlay.write(bytes(1), 0)
    news()
    ledger.failures = 1
    await expectCode(overlay.close(), 'IO_ERROR')
    expect(news()).toEqual(['flush', 'record 0:1', 'close'])
    await expectCode(overlay.read(new Uint8Array(1), 0), 'CLOSED')
  })

  it('a change waits for the beginning, and fails with it untouched', async () => {
    const { overlay, ledger, news } = makeLasting()
    ledger.begin = () => Promise.reject(new PlatterError('NO_SPACE', 'ledger: made to fail'))
    await expectCode(overlay.write(bytes(1), 0), 'NO_SPACE')
    await expectCode(overlay.zero(0, BLOCK), 'NO_SPACE')
    await expectCode(overlay.trim(0, BLOCK), 'NO_SPACE')
    expect(news()).toEqual([])
    expect(overlay.staged()).toEqual({ written: 0, zeroed: 0 })
  })

  it('an overlay takes over the states that it finds', async () => {
    const ledger = new LogLedger([], true)
    ledger.states.set(2, 3, BLOCK_WRITTEN)
    const store = new MemoryDisk(COUNT * BLOCK)
    await store.write(bytes(3, 7), 2 * BLOCK)
    const base = new MemoryDisk(COUNT * BLOCK)
    const overlay = new OverlayDisk({ base, store, blockSize: BLOCK, ledger })
    const read = new Uint8Array(3 * BLOCK)
    await overlay.read(read, 2 * BLOCK)
    expectSameBytes(read, bytes(3, 7))
    expect(overlay.staged().written).toBe(3 * BLOCK)
  })
})
