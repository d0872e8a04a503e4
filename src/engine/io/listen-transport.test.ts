import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { link, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Listener, Transport, TransportEvents } from '../nbd/transport'
import { expectCode } from '../testing/expect-disk'
import { dialTransport } from './dial-transport'
import { listenTransport } from './listen-transport'

let dir: string
const open: Listener[] = []
const transports: Transport[] = []

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'platter-'))
})

afterEach(async () => {
  for (const transport of transports.splice(0)) transport.destroy()
  for (const listener of open.splice(0)) await listener.close()
  await rm(dir, { recursive: true, force: true })
})

const unix = (name = 's') => ({ kind: 'unix', path: join(dir, name) }) as const
const DIAL = { timeoutMs: 5000 }

/** Listens, and keeps what connects. */
async function listen(address: Parameters<typeof listenTransport>[0]) {
  const accepted: Transport[] = []
  const waiting: ((transport: Transport) => void)[] = []
  const listener = await listenTransport(address, (transport) => {
    transports.push(transport)
    const next = waiting.shift()
    if (next === undefined) accepted.push(transport)
    else next(transport)
  })
  open.push(listener)
  const accept = () =>
    new Promise<Transport>((resolve) => {
      const ready = accepted.shift()
      if (ready === undefined) waiting.push(resolve)
      else resolve(ready)
    })
  return { listener, accept }
}

async function dial(address: Parameters<typeof dialTransport>[0]): Promise<Transport> {
  const transport = await dialTransport(address, DIAL)
  transports.push(transport)
  return transport
}

/** Starts a transport; promises for what it gets. */
function start(transport: Transport) {
  let text = ''
  const watchers: (() => void)[] = []
  let closed: { error: Error | undefined } | undefined
  const wake = () => {
    for (const watcher of watchers.splice(0)) watcher()
  }
  const events: TransportEvents = {
    onData: (chunk) => {
      text += Buffer.from(chunk).toString('latin1')
      wake()
    },
    onDrain: wake,
    onClose: (error) => {
      closed = { error }
      wake()
    },
  }
  transport.start(events)
  const until = async (isSo: () => boolean) => {
    while (!isSo()) await new Promise<void>((resolve) => watchers.push(resolve))
  }
  return {
    text: () => text,
    gets: (wanted: string) => until(() => text === wanted),
    getsBytes: (count: number) => until(() => text.length >= count),
    closes: async () => {
      await until(() => closed !== undefined)
      return closed?.error
    },
  }
}

const send = (transport: Transport, text: string) => transport.write(Buffer.from(text))

describe('a pair of transports over a socket', () => {
  it.each([
    ['Unix', () => unix()],
    ['TCP', () => ({ kind: 'tcp', host: '127.0.0.1', port: 0 }) as const],
  ])('carries bytes both ways (%s)', async (_, address) => {
    const { listener, accept } = await listen(address())
    const a = await dial(listener.address)
    const b = await accept()
    const [atA, atB] = [start(a), start(b)]
    send(a, 'hello')
    send(a, ' there')
    await atB.gets('hello there')
    send(b, 'good day')
    await atA.gets('good day')
    a.end()
    expect(await atB.closes()).toBeUndefined()
    expect(await atA.closes()).toBeUndefined()
    expect(a.write(Buffer.from('late'))).toBe(true)
  })

  it('keeps what came before anybody listened', async () => {
    const { listener, accept } = await listen(unix())
    const a = await dial(listener.address)
    const b = await accept()
    send(b, 'early')
    // A full turn through the kernel: what b says on another connection arrives after it.
    const c = await dial(listener.address)
    const d = await accept()
    const atC = start(c)
    send(d, 'x')
    start(d)
    await atC.gets('x')
    await start(a).gets('early')
  })

  it('delivers nothing while paused, and holds the sender back', async () => {
    const { listener, accept } = await listen(unix())
    const a = await dial(listener.address)
    const b = await accept()
    start(b)
    const atA = start(a)
    a.pause()
    const chunk = Buffer.alloc(1 << 20, 1)
    let sent = 0
    while (b.write(chunk)) sent++
    expect(sent).toBeLessThan(64)
    a.resume()
    await atA.getsBytes((sent + 1) << 20)
  })

  it('ends both sides when one is destroyed', async () => {
    const { listener, accept } = await listen(unix())
    const a = await dial(listener.address)
    const b = await accept()
    const [atA, atB] = [start(a), start(b)]
    b.destroy()
    await atA.closes()
    await atB.closes()
  })
})

describe('listening on a Unix socket', () => {
  it('makes one for its owner only, and removes it at the end', async () => {
    const { listener } = await listen(unix())
    expect((await stat(unix().path)).mode & 0o777).toBe(0o600)
    await listener.close()
    await expect(stat(unix().path)).rejects.toThrow('ENOENT')
  })

  it('leaves the mask of the process as it was', async () => {
    const before = process.umask()
    await listen(unix())
    expect(process.umask()).toBe(before)
  })

  it('takes the place of a socket on which nobody listens any more', async () => {
    await leaveStaleSocket(unix().path)
    await expectCode(dial(unix()), 'NO_SERVER')
    const { accept } = await listen(unix())
    start(await dial(unix()))
    await accept()
  })

  it('leaves a socket alone on which somebody listens', async () => {
    const { accept } = await listen(unix())
    await expectCode(listen(unix()), 'ADDRESS_IN_USE')
    // The probe was a connection like any other.
    start(await accept())
    start(await dial(unix()))
    await accept()
  })

  it('leaves a file alone that is no socket', async () => {
    await writeFile(unix().path, 'precious')
    await expectCode(listen(unix()), 'ALREADY_EXISTS')
    expect(await readFile(unix().path, 'utf8')).toBe('precious')
  })

  it('says what is wrong with a path', async () => {
    await expectCode(listen({ kind: 'unix', path: join(dir, 'a'.repeat(120)) }), 'LIMIT')
    await expectCode(listen({ kind: 'unix', path: join(dir, 'no', 's') }), 'NOT_FOUND')
    await expectCode(dial({ kind: 'unix', path: join(dir, 'a'.repeat(120)) }), 'LIMIT')
  })

  it.runIf(process.platform === 'linux')('takes a name without a file', async () => {
    const address = { kind: 'unix', path: `\0platter-test-${process.pid}` } as const
    const { accept } = await listen(address)
    start(await dial(address))
    await accept()
    await expectCode(listen(address), 'ADDRESS_IN_USE')
  })
})

describe('listening on a TCP port', () => {
  it('tells the port that it got', async () => {
    const { listener } = await listen({ kind: 'tcp', host: '127.0.0.1', port: 0 })
    expect(listener.address).toMatchObject({ kind: 'tcp', host: '127.0.0.1' })
    expect((listener.address as { port: number }).port).toBeGreaterThan(0)
  })

  it('refuses a port that is taken', async () => {
    const { listener } = await listen({ kind: 'tcp', host: '127.0.0.1', port: 0 })
    await expectCode(listen(listener.address), 'ADDRESS_IN_USE')
  })

  it('refuses an address of another machine', async () => {
    await expectCode(listen({ kind: 'tcp', host: '203.0.113.1', port: 0 }), 'NOT_FOUND')
  })

  it('accepts no more once closed, while connections go on', async () => {
    const { listener, accept } = await listen({ kind: 'tcp', host: '127.0.0.1', port: 0 })
    const a = await dial(listener.address)
    const b = await accept()
    const atB = start(b)
    start(a)
    await listener.close()
    await expectCode(dial(listener.address), 'NO_SERVER')
    send(a, 'still here')
    await atB.gets('still here')
  })
})

describe('connecting', () => {
  it('says who is not there and why', async () => {
    await expectCode(dial(unix('nobody')), 'NO_SERVER')
    await expect(dial(unix('nobody'))).rejects.toThrow(/unix:.*nobody: .*no such socket/)
    const { listener } = await listen({ kind: 'tcp', host: '127.0.0.1', port: 0 })
    await listener.close()
    await expect(dial(listener.address)).rejects.toThrow(
      /127\.0\.0\.1:\d+: .*nothing listens there/,
    )
  })

  it('can be cancelled before and during', async () => {
    const stop = new AbortController()
    const options = { ...DIAL, signal: stop.signal }
    const address = { kind: 'tcp', host: '203.0.113.1', port: 9 } as const
    const dialing = dialTransport(address, options)
    stop.abort()
    const error = await dialing.catch((reason: { code: string }) => reason.code)
    // Without a route to the outside the kernel refuses before the cancel arrives.
    expect(['ABORTED', 'NO_SERVER']).toContain(error)
    await expectCode(dialTransport(address, options), 'ABORTED')
  })

  it('does not wait for ever', async () => {
    // A listener that was stopped: the kernel lets a few connections in and leaves the rest hanging.
    const script = `require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 },
      function () { process.stdout.write(String(this.address().port)) })`
    const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
    try {
      const [port] = await once(child.stdout, 'data')
      child.kill('SIGSTOP')
      const address = { kind: 'tcp', host: '127.0.0.1', port: Number(port) } as const
      const dials = Array.from({ length: 8 }, () => dialTransport(address, { timeoutMs: 200 }))
      const codes: unknown[] = []
      for (const result of await Promise.allSettled(dials)) {
        if (result.status === 'fulfilled') result.value.destroy()
        else codes.push(result.reason.code)
      }
      expect(new Set(codes)).toEqual(new Set(['TIMEOUT']))
    } finally {
      child.kill('SIGKILL')
      await once(child, 'close')
    }
  })
})

/** A socket file whose listener is gone: a hard link outlives the unlink at the end. */
async function leaveStaleSocket(path: string): Promise<void> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(`${path}.live`, resolve))
  await link(`${path}.live`, path)
  await new Promise<void>((resolve) => {
    const socket = connect(`${path}.live`, () => {
      socket.destroy()
      server.close(() => resolve())
    })
  })
}
