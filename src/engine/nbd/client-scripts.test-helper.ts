// What clients say, from their flags to their goodbye: the shapes that fuzzers of other servers begin
// with, and one conversation with everything in it. Bytes of the tests' own.

import * as bs from './byte-script.test-helper'

const go = (name: string) => bs.option(7, bs.sized(name), bs.u16(0))
const goodbye = bs.request({ command: 2 })
const reads = Array.from({ length: 4 }, (_, i) =>
  bs.request({ command: 0, cookie: i + 1, offset: 512 * i, length: 512 }),
)
const data = new Uint8Array(512).fill(0x61)

/** Contexts that the conversation with everything in it asks for, on the export `d`. */
export const CONTEXTS = ['base:allocation', 'x-other:all'] as const

/** Conversations on the export `d`, which has to have 4096 bytes at least. */
export const CLIENT_SCRIPTS: Readonly<Record<string, Uint8Array>> = {
  'client flags': bs.clientFlags(),
  'a name': bs.script(bs.clientFlags(), bs.option(1, bs.text('d'))),
  'a name and a read': bs.script(bs.clientFlags(), bs.option(1, bs.text('d')), reads[0] ?? ''),
  'a name and four reads': bs.script(
    bs.clientFlags(1),
    bs.option(1, bs.text('d')),
    ...reads,
    goodbye,
  ),
  go: bs.script(bs.clientFlags(), go('d')),
  'go and a read': bs.script(bs.clientFlags(), go('d'), reads[0] ?? '', goodbye),
  'go and four reads': bs.script(bs.clientFlags(), bs.option(8), go('d'), ...reads, goodbye),
  'go and writes': bs.script(
    bs.clientFlags(),
    go('d'),
    bs.request({ command: 1, cookie: 1, data }),
    bs.request({ command: 1, flags: 1, cookie: 2, offset: 2048, data }),
    bs.request({ command: 6, flags: 2, cookie: 3, offset: 1024, length: 512 }),
    bs.request({ command: 4, cookie: 4, offset: 1024, length: 512 }),
    bs.request({ command: 3, cookie: 5 }),
    goodbye,
  ),
}

const meta = (option: number, ...queries: readonly string[]) =>
  bs.option(option, bs.sized('d'), bs.u32(queries.length), ...queries.map(bs.sized))

/** Every option but the last of them ends nothing. */
export const EVERY_OPTION = bs.script(
  bs.option(3),
  bs.option(4, bs.text('peek')),
  bs.option(5),
  bs.option(6, bs.sized('d'), bs.u16(2), bs.u16(1), bs.u16(3)),
  bs.option(8),
  bs.option(11),
  meta(9),
  meta(10, ...CONTEXTS),
  bs.option(7, bs.sized('d'), bs.u16(3), bs.u16(1), bs.u16(2), bs.u16(3)),
)

const extended = bs.extendedRequest

/** Every command in extended headers. */
export const EVERY_COMMAND = bs.script(
  extended({ command: 1, flags: 33, cookie: 1, offset: 512, data: data.slice(0, 64) }),
  extended({ command: 0, flags: 4, cookie: 2, offset: 500, length: 100 }),
  extended({ command: 7, cookie: 3, length: 4096 }),
  extended({ command: 7, flags: 32, cookie: 4, data: bs.script(bs.u64(4096), bs.u32(2)) }),
  extended({ command: 6, flags: 18, cookie: 5, length: 4096 }),
  extended({ command: 4, cookie: 6, length: 4096 }),
  extended({ command: 5, cookie: 7, length: 4096 }),
  extended({ command: 3, cookie: 8 }),
  extended({ command: 8, cookie: 9, offset: 8192 }),
  extended({ command: 2 }),
)
