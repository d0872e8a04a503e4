import { describe, expect, it } from 'vitest'
import { PlatterError } from '../base/errors'
import * as bs from './byte-script.test-helper'
import { RawPeer, settle } from './raw-peer.test-helper'
import { makeServer, READ, SIZE } from './served-raw.test-helper'
import type { ServerTls } from './session-greeting'
import type { Transport } from './transport'
import { PairedTransport } from './transport-pair.test-helper'

/** "Encryption" that goes on over another pair, whose far end the test gets. */
function standIn(mode: ServerTls['mode'] = 'required') {
  const peers: RawPeer[] = []
  const asked: Transport[] = []
  const tls: ServerTls = {
    mode,
    secure: (transport) =>
      new Promise((resolve) => {
        asked.push(transport)
        queueMicrotask(() => {
          const [ours, theirs] = PairedTransport.pair()
          peers.push(new RawPeer(theirs))
          resolve(ours)
        })
      }),
  }
  return { tls, peers, asked }
}

const go = bs.option(7, bs.sized('d'), bs.u16(0))
const hexOf = (...parts: readonly Uint8Array[]): string => Buffer.concat(parts).toString('hex')

describe('a server that requires TLS', () => {
  it('says nothing before it, and everything after it', async () => {
    const { tls, peers } = standIn()
    const { connect, server } = makeServer({ server: { tls } })
    const { peer } = connect()
    const asking = [3, 6, 7, 8, 9, 10, 11, 77].map((option) => bs.option(option))
    peer.send(bs.script(bs.clientFlags(), ...asking))
    await settle()
    const refusal = (option: number) =>
      bs.optionError(option, 5, 'NBD_OPT_STARTTLS has to come first')
    const refusals = [3, 6, 7, 8, 9, 10, 11, 77].map(refusal)
    expect(peer.hex).toBe(hexOf(bs.greeting(), ...refusals))
    peer.clear()
    peer.send(bs.option(5))
    await settle()
    expect(peer.hex).toBe(hexOf(bs.ack(5)))
    const [inside] = peers
    inside?.send(go)
    await settle()
    expect(inside?.hex).toContain(hexOf(bs.infoExport(7, SIZE, 0x0d6d), bs.ack(7)))
    inside?.clear()
    inside?.send(bs.request({ command: READ, cookie: 4, length: 2 }))
    await settle()
    expect(inside?.hex).toBe(hexOf(bs.simpleReply(4, 0, '0000')))
    expect(server.clients.map((client) => client.isSecure)).toEqual([true])
  })

  it('hangs up on EXPORT_NAME in the clear, and takes an ABORT', async () => {
    const { connect } = makeServer({ server: { tls: standIn().tls } })
    const [rude, polite] = [connect().peer, connect().peer]
    rude.send(bs.script(bs.clientFlags(), bs.option(1, bs.text('d'))))
    polite.send(bs.script(bs.clientFlags(), bs.option(2)))
    await settle()
    expect([rude.isClosed, polite.isClosed]).toEqual([true, true])
    expect(rude.hex).toBe(hexOf(bs.greeting()))
    expect(polite.hex).toBe(hexOf(bs.greeting(), bs.ack(2)))
  })

  it('hangs up on what was put behind STARTTLS in the clear', async () => {
    const { tls, asked } = standIn()
    const { connect } = makeServer({ server: { tls } })
    const { peer } = connect()
    peer.send(bs.script(bs.clientFlags(), bs.option(5), bs.option(3)))
    await settle()
    expect(peer.isClosed).toBe(true)
    expect(asked).toEqual([])
  })
})

describe('a server that has TLS', () => {
  it('forgets what was agreed on in the clear', async () => {
    const { tls, peers } = standIn('optional')
    const { connect } = makeServer({ server: { tls } })
    const { peer } = connect()
    const setContext = bs.option(10, bs.sized('d'), bs.u32(1), bs.sized('base:allocation'))
    peer.send(bs.script(bs.clientFlags(), bs.option(11), setContext, bs.option(5)))
    await settle()
    expect(peer.hex).toContain(hexOf(bs.ack(11)))
    const [inside] = peers
    inside?.send(setContext)
    await settle()
    expect(inside?.hex).toBe(hexOf(bs.optionError(10, 3, 'structured replies come first')))
    inside?.send(bs.script(bs.option(8), go))
    await settle()
    inside?.clear()
    inside?.send(bs.request({ command: 7, cookie: 1, length: 512 }))
    await settle()
    expect(inside?.hex).toBe(
      hexOf(bs.errorChunk(1, 22, 'NBD_CMD_BLOCK_STATUS: no context was selected')),
    )
  })

  it('serves in the clear too when it is optional, and encrypts once', async () => {
    const { tls, peers } = standIn('optional')
    const { connect } = makeServer({ server: { tls } })
    const { peer } = connect()
    peer.send(bs.script(bs.clientFlags(), bs.option(8)))
    await settle()
    expect(peer.hex).toBe(hexOf(bs.greeting(), bs.ack(8)))
    peer.send(bs.option(5))
    await settle()
    peers[0]?.send(bs.option(5))
    await settle()
    expect(peers[0]?.hex).toBe(hexOf(bs.optionError(5, 3, 'the connection has TLS already')))
  })

  it('gives up a handshake that fails, or that takes too long, and nobody else notices', async () => {
    const held: ((error: Error) => void)[] = []
    const tls: ServerTls = {
      mode: 'required',
      secure: (_, signal) =>
        new Promise((_, reject) => {
          held.push(reject)
          signal.addEventListener('abort', () => reject(new PlatterError('ABORTED', 'gone')))
        }),
    }
    const { connect, clock, server } = makeServer({ server: { tls } })
    const [first, second] = [connect().peer, connect().peer]
    for (const peer of [first, second]) peer.send(bs.script(bs.clientFlags(), bs.option(5)))
    await settle()
    held[0]?.(new PlatterError('REFUSED', 'no certificate'))
    await settle()
    expect([first.isClosed, second.isClosed]).toEqual([true, false])
    clock.advance(10_000)
    await settle()
    expect(second.isClosed).toBe(true)
    await server.shutdown()
  })
})

describe('a server without TLS', () => {
  it('refuses STARTTLS and goes on', async () => {
    const { connect } = makeServer()
    const { peer } = connect()
    peer.send(bs.script(bs.clientFlags(), bs.option(5), bs.option(8)))
    await settle()
    const refusal = bs.optionError(5, 1, 'this server has no TLS')
    expect(peer.hex).toBe(hexOf(bs.greeting(), refusal, bs.ack(8)))
  })
})
