// The server against mutated clients that use all there is: every option, every command in extended
// headers, payloads where none belong. What it asks memory for is counted.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PlatterError } from '../base/errors'
import { MemoryDisk } from '../disk/memory-disk'
import * as bs from './byte-script.test-helper'
import { CLIENT_SCRIPTS, CONTEXTS, EVERY_COMMAND, EVERY_OPTION } from './client-scripts.test-helper'
import { ExportRegistry } from './export-registry'
import type { Script, Step } from './handshake-script'
import { ScriptRunner } from './handshake-script'
import { mutate, mutation } from './mutate.test-helper'
import { settle } from './raw-peer.test-helper'
import { costOf } from './request-cost'
import { RequestParser } from './request-parser'
import { describeExport } from './served-export'
import { makeServer } from './served-raw.test-helper'
import type { Agreement } from './server-handshake'
import { serverHandshake } from './server-handshake'
import { validateRequest } from './validate'

const SIZE = 4096
const MiB = 1 << 20
const mutations = fc.array(mutation, { minLength: 1, maxLength: 4 })

function makeExport() {
  const disk = new MemoryDisk(SIZE)
  const contexts = [{ name: CONTEXTS[1], extents: disk.extents.bind(disk) }]
  return { name: 'd', disk, readOnly: false, contexts }
}

describe('mutated clients', () => {
  const everything = bs.script(bs.clientFlags(), EVERY_OPTION, EVERY_COMMAND)
  const seeds = [everything, ...Object.values(CLIENT_SCRIPTS)]

  it('are sound conversations before they are changed', async () => {
    for (const [i, seed] of seeds.entries()) {
      const { connect, gone } = makeServer(makeSetup())
      const { peer } = connect()
      peer.send(seed)
      await settle()
      peer.transport.end()
      await settle()
      expect(gone, `script ${i}`).toEqual(i === 1 ? [] : [[1, undefined]])
    }
  })

  it('end, and end alone, whatever they said', async () => {
    const { connect, server } = makeServer(makeSetup())
    const other = connect().peer
    other.send(bs.clientFlags(), bs.option(7, bs.sized('d'), bs.u16(0)))
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...seeds), mutations, async (seed, changes) => {
        const { peer } = connect()
        peer.send(mutate(seed, changes))
        peer.transport.end()
        await settle(3)
        expect(peer.isClosed).toBe(true)
        expect(server.clients.length).toBe(1)
        expect(other.isClosed).toBe(false)
      }),
      { numRuns: 800, seed: 11 },
    )
  })

  it.each([
    [true, 12],
    [false, 13],
  ])('get memory only for what they send (extended headers: %s)', async (isExtended, seed) => {
    const style = isExtended ? 'extended' : 'structured'
    const rules = {
      export: describeExport(makeExport(), style, true),
      headers: style,
      contexts: 2,
    } as const
    const compact = bs.script(
      ...[1, 0, 7, 6, 4, 5, 3, 1, 2].map((command, i) =>
        command === 1
          ? bs.request({ command, cookie: i, offset: 64 * i, data: new Uint8Array(64) })
          : bs.request({ command, cookie: i, length: command === 3 || command === 2 ? 0 : 512 }),
      ),
    )
    let requests = 0
    fc.assert(
      fc.property(mutations, (changes) => {
        const stream = mutate(isExtended ? EVERY_COMMAND : compact, changes)
        let allocated = 0
        const parser = new RequestParser(
          {
            judge: (header) => (header.command === 2 ? undefined : validateRequest(header, rules)),
            mayTake: () => true,
            admit: (header) => {
              expect(costOf(header)).toBeLessThanOrEqual(33 * MiB)
              return true
            },
            allocate: (length) => {
              allocated += length
              return new Uint8Array(length)
            },
            onRequest: (_, payload) => {
              requests++
              expect(payload.length).toBeLessThanOrEqual(stream.length)
            },
          },
          isExtended,
        )
        try {
          parser.receive(stream)
        } catch (error) {
          expect(error).toBeInstanceOf(PlatterError)
        }
        // All payloads but the last have come whole; a write cannot be longer than the disk.
        expect(allocated).toBeLessThanOrEqual(stream.length + SIZE)
      }),
      { numRuns: 2000, seed },
    )
    expect(requests).toBeGreaterThan(2000)
  })

  it('are never waited for with more than an option’s worth of bytes', () => {
    const exports = new ExportRegistry()
    exports.add(makeExport())
    const longest = { read: 0 }
    function* watched(script: Script<Agreement>): Script<Agreement> {
      let step = script.next()
      while (step.done !== true) {
        const { value }: { value: Step } = step
        if (value.kind === 'read') longest.read = Math.max(longest.read, value.length)
        step = script.next(yield value)
      }
      return step.value
    }
    fc.assert(
      fc.property(mutations, (changes) => {
        const script = serverHandshake({ exports, isClosing: () => false })
        const runner = new ScriptRunner(watched(script), () => undefined)
        try {
          runner.start()
          runner.receive(mutate(bs.script(bs.clientFlags(), EVERY_OPTION), changes))
        } catch (error) {
          expect(error).toBeInstanceOf(PlatterError)
        }
        expect(longest.read).toBeLessThanOrEqual(64 * 1024)
      }),
      { numRuns: 2000, seed: 14 },
    )
    expect(longest.read).toBeGreaterThan(64)
  })
})

function makeSetup() {
  const entry = makeExport()
  return { disk: entry.disk, entry }
}
