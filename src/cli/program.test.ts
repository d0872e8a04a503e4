// What the words of the command line come to, before any of them does anything.

import { CommanderError } from 'commander'
import { describe, expect, it } from 'vitest'
import { type Commands, makeProgram } from './program'

interface Parsed {
  readonly ran: readonly unknown[]
  readonly out: string
  readonly err: string
  readonly error: unknown
}

async function parse(...words: string[]): Promise<Parsed> {
  const ran: unknown[] = []
  const texts = { out: '', err: '' }
  const note =
    (name: string) =>
    async (...args: unknown[]) => {
      ran.push(name, ...args)
    }
  const commands: Commands = {
    open: note('open'),
    info: note('info'),
    map: note('map'),
    serve: note('serve'),
    copy: note('copy'),
    compare: note('compare'),
    overlayCreate: note('overlayCreate'),
    overlayInfo: note('overlayInfo'),
    overlayCommit: note('overlayCommit'),
    overlayDiscard: note('overlayDiscard'),
    overlayCheckpoint: note('overlayCheckpoint'),
    overlayResize: note('overlayResize'),
  }
  const output = {
    writeOut: (text: string) => {
      texts.out += text
    },
    writeErr: (text: string) => {
      texts.err += text
    },
  }
  let error: unknown
  await makeProgram(output, commands)
    .parseAsync(words, { from: 'user' })
    .catch((thrown: unknown) => {
      error = thrown
    })
  return { ran, ...texts, error }
}

const FULL_SERVE = [
  '--bind',
  '::1',
  '--port',
  '0',
  '--name',
  'a b',
  '--cow',
  '--block-size',
  '128K',
]

describe('the words of the command line', () => {
  it.each([
    [
      ['info', 'a.img'],
      ['info', 'a.img', {}],
    ],
    [
      ['info', '--list', '--json', 'nbd://x'],
      ['info', 'nbd://x', { list: true, json: true }],
    ],
    [
      ['info', '--format', 'raw', 'a'],
      ['info', 'a', { format: 'raw' }],
    ],
    [
      ['map', 'a', '--totals'],
      ['map', 'a', { totals: true, context: 'base:allocation' }],
    ],
    [
      ['map', '--json', '--', '-a'],
      ['map', '-a', { json: true, context: 'base:allocation' }],
    ],
    [
      ['map', '--context=c', 'ü b'],
      ['map', 'ü b', { context: 'c' }],
    ],
    [['open'], ['open', [], {}]],
    [
      ['open', 'a', 'b', '--web'],
      ['open', ['a', 'b'], { web: true }],
    ],
    [
      ['open', '--port', '8080', '--', '--x'],
      ['open', ['--x'], { port: 8080 }],
    ],
    [
      ['copy', 'a', 'b'],
      ['copy', 'a', 'b', { extents: true }],
    ],
    [
      'copy a null: --connections 2 --requests 8 --request-size 1M --sparse 64K --progress'.split(
        ' ',
      ),
      [
        'copy',
        'a',
        'null:',
        {
          ...{ connections: 2, requests: 8, requestSize: 1048576, sparse: 65536 },
          ...{ progress: true, extents: true },
        },
      ],
    ],
    [
      ['copy', 'a', 'b', '--no-extents', '--target-is-zero', '--flush'],
      ['copy', 'a', 'b', { extents: false, targetIsZero: true, flush: true }],
    ],
    [
      ['copy', 'a', 'b', '--no-flush', '--resume', '--sparse', '0', '--format', 'raw'],
      ['copy', 'a', 'b', { extents: true, flush: false, resume: true, sparse: 0, format: 'raw' }],
    ],
    [
      ['compare', 'a', 'b', '--json', '--first'],
      ['compare', 'a', 'b', { json: true, first: true, extents: true }],
    ],
    [
      ['serve', 'a'],
      ['serve', 'a', { name: '' }],
    ],
    [
      ['serve', 'a', '--socket', './s'],
      ['serve', 'a', { name: '', socket: './s' }],
    ],
    [
      ['serve', '--writable', 'a'],
      ['serve', 'a', { name: '', writable: true }],
    ],
    [
      ['serve', 'a', ...FULL_SERVE],
      ['serve', 'a', { name: 'a b', bind: '::1', port: 0, cow: true, blockSize: 131072 }],
    ],
    [
      'serve a --overlay f --accept-base --block-size 4K --copy-on-read --copy-on-cache'.split(' '),
      [
        'serve',
        'a',
        {
          ...{ name: '', overlay: 'f', acceptBase: true, blockSize: 4096 },
          ...{ copyOnRead: true, copyOnCache: true },
        },
      ],
    ],
    [
      ['overlay', 'create', 'f', '--base', 'a'],
      ['overlayCreate', 'f', { base: 'a' }],
    ],
    [
      'overlay create f --base a --version 1 --size 1M --format raw'.split(' '),
      ['overlayCreate', 'f', { base: 'a', version: 1, size: 1048576, format: 'raw' }],
    ],
    [
      'overlay create f --base a --version 2 --block-size 4K'.split(' '),
      ['overlayCreate', 'f', { base: 'a', version: 2, blockSize: 4096 }],
    ],
    [
      ['overlay', 'info', 'f', '--json'],
      ['overlayInfo', 'f', { json: true }],
    ],
    [
      'overlay commit f --range 0+64K --undo u --verify --progress --accept-base'.split(' '),
      [
        'overlayCommit',
        'f',
        {
          range: [{ offset: 0, length: 65536 }],
          ...{ undo: 'u', verify: true, progress: true, acceptBase: true },
        },
      ],
    ],
    [
      ['overlay', 'discard', 'f'],
      ['overlayDiscard', 'f', {}],
    ],
    [
      'overlay discard f --range 0+64K --range 1M+512 --accept-base'.split(' '),
      [
        'overlayDiscard',
        'f',
        {
          range: [
            { offset: 0, length: 65536 },
            { offset: 1048576, length: 512 },
          ],
          acceptBase: true,
        },
      ],
    ],
    [
      ['overlay', 'checkpoint', 'f', '--name', 'a b'],
      ['overlayCheckpoint', 'f', { name: 'a b' }],
    ],
    [
      ['overlay', 'resize', 'f', '3G', '--accept-base'],
      ['overlayResize', 'f', '3G', { acceptBase: true }],
    ],
    [
      ['overlay', 'checkpoint', 'f', '--back'],
      ['overlayCheckpoint', 'f', { back: true }],
    ],
    [
      ['overlay', 'checkpoint', 'f', '--merge', '--accept-base'],
      ['overlayCheckpoint', 'f', { merge: true, acceptBase: true }],
    ],
  ])('%j are understood', async (words, ran) => {
    expect(await parse(...words)).toEqual({ ran, out: '', err: '', error: undefined })
  })

  it.each([
    ['4K', 4096],
    ['64k', 65536],
    ['64KiB', 65536],
    ['2M', 2097152],
    ['65536', 65536],
    ['0x10000', 65536],
    ['0.5M', 524288],
  ])('take the block size %s', async (text, blockSize) => {
    const { ran } = await parse('serve', 'a', '--cow', '--block-size', text)
    expect(ran).toEqual(['serve', 'a', { name: '', cow: true, blockSize }])
  })
})

const WRONG: [string[], RegExp][] = [
  [['bogus'], /unknown command 'bogus'$/],
  [['inof', 'a'], /unknown command 'inof' \(Did you mean info\?\)$/],
  [['cp', 'a', 'b'], /unknown command 'cp'/],
  [['copy', 'a'], /missing required argument 'target'/],
  [['copy', 'a', 'b', '--connections', '17'], /connections are 1 to 16/],
  [['copy', 'a', 'b', '--requests', '0'], /it is a number from 1/],
  [['copy', 'a', 'b', '--sparse', 'x'], /it is a size such as 64K/],
  [['compare', 'a'], /missing required argument 'b'/],
  [['--bogus'], /unknown option '--bogus'$/],
  [['info'], /missing required argument 'image'$/],
  [['info', 'a', 'b'], /too many arguments for 'info': Expected 1 argument but got 2$/],
  [['info', '-a'], /unknown option '-a'$/],
  [['info', 'a', '--totals'], /unknown option '--totals'/],
  [['info', 'nbd://x', '--list', '--format', 'raw'], /'--format <format>' cannot be used with/],
  [['map', 'a', '--context'], /option '--context <name>' argument missing$/],
  [['serve'], /missing required argument 'image'$/],
  [['serve', 'a', '--socket', 's', '--port', '1'], /'--socket <path>' cannot be used with/],
  [['serve', 'a', '--bind', '::1', '--socket', 's'], /'--bind <addr>' cannot be used with/],
  [['serve', 'a', '--cow', '--writable'], /'--cow' cannot be used with option '--writable'$/],
  [['serve', 'a', '--block-size', '64K'], /'--block-size <n>' needs option '--cow' or '--overlay/],
  [['serve', 'a', '--copy-on-read'], /'--copy-on-read' needs option '--cow' or/],
  [['serve', 'a', '--copy-on-cache', '--writable'], /'--copy-on-cache' needs option '--cow' or/],
  [['serve', 'a', '--accept-base', '--cow'], /'--accept-base' needs option '--overlay <file>'$/],
  [['serve', 'a', '--overlay', 'f', '--cow'], /'--cow' cannot be used with option '--overlay/],
  [['serve', 'a', '--overlay', 'f', '--writable'], /'--overlay <file>' cannot be used with/],
  [['overlay', 'create', 'f'], /required option '--base <image>' not specified$/],
  [['overlay', 'create', 'f', '--base', 'a', '--version', '3'], /the versions are 1 and 2$/],
  [['overlay', 'create', 'f', '--base', 'a', '--size', '0'], /it is a size such as 64K$/],
  [
    'overlay create f --base a --version 1 --block-size 64K'.split(' '),
    /'--block-size <n>' cannot be used with option '--version 1'$/,
  ],
  [['overlay', 'resize', 'f'], /missing required argument 'size'$/],
  [['overlay', 'info'], /missing required argument 'file'$/],
  [['overlay', 'inof', 'f'], /unknown command 'inof'/],
  [['overlay', 'discard', 'f', '--range', '5'], /a range is an offset and a length/],
  [['overlay', 'discard', 'f', '--range', '+5'], /a range is an offset and a length/],
  [['overlay', 'discard', 'f', '--range', '5+0'], /a range is an offset and a length/],
  [['overlay', 'discard', 'f', '--range', '4K+x'], /a range is an offset and a length/],
  [['overlay', 'checkpoint', 'f', '--back', '--merge'], /'--back' cannot be used with/],
  [['overlay', 'checkpoint', 'f', '--name', 'a', '--back'], /'--name <name>' cannot be used/],
  [
    ['serve', 'a', '--cow', '--block-size', '3K'],
    /'3K' is invalid: .* power of two from 4K to 2M$/,
  ],
  [['serve', 'a', '--cow', '--block-size', '4M'], /'4M' is invalid/],
  [['serve', 'a', '--cow', '--block-size', '2K'], /'2K' is invalid/],
  [['serve', 'a', '--cow', '--block-size', '64Q'], /'64Q' is invalid/],
  [['serve', 'a', '--cow', '--block-size', ''], /'' is invalid/],
  [['serve', 'a', '--port', '65536'], /'65536' is invalid: a port is a number from 0 to 65535$/],
  [['serve', 'a', '--port', '-1'], /'-1' is invalid/],
  [['serve', 'a', '--port', '1e3'], /'1e3' is invalid/],
  [['serve', 'a', '--port', ''], /'' is invalid/],
  [['serve', 'a', '--socket', ''], /'' is invalid: a socket needs a path$/],
  [['serve', 'a', '--bind', ' '], /' ' is invalid: an address to listen on is not empty$/],
  [['serve', 'a', '--name', 'ü'.repeat(2049)], /at most 4096 bytes, this one has 4098$/],
  [['serve', 'a', '--overlay', ''], /'' is invalid: an overlay needs a path$/],
  [['serve', 'a', '--tls', 'x'], /'--tls <mode>'.*'x' is invalid.*off, on, require/],
  [['open', '--port', 'x'], /'x' is invalid/],
  [['info', 'a', '--bo\ngus\x1b[2J'], /unknown option '--bo gus\\x1b\[2J'$/],
]

describe('wrong words', () => {
  it.each(WRONG)('%j are refused in one line, with nothing done', async (words, why) => {
    const { ran, out, err, error } = await parse(...words)
    expect(ran).toEqual([])
    expect(out).toBe('')
    expect(err).toMatch(/^platter: [^\n]*\n$/)
    expect(err.trimEnd()).toMatch(why)
    expect(error).toBeInstanceOf(CommanderError)
    expect((error as CommanderError).exitCode).not.toBe(0)
  })

  it('are no words at all', async () => {
    const { out, err, error } = await parse()
    // The line that says so comes from describeFailure.
    expect({ out, err }).toEqual({ out: '', err: '' })
    expect(error).toMatchObject({ code: 'commander.help', exitCode: 1 })
  })
})

describe('help', () => {
  it('lists the commands that there are, and none that there will be', async () => {
    const { out, error } = await parse('--help')
    const listed = [...out.matchAll(/^ {2}([a-z]+)(?: \[| {2})/gm)].map((match) => match[1])
    expect(listed).toEqual(['open', 'info', 'map', 'serve', 'copy', 'compare', 'overlay'])
    expect(error).toMatchObject({ exitCode: 0 })
  })

  it.each(['open', 'info', 'map', 'serve'])('of %s goes to stdout alone', async (name) => {
    const { ran, out, err, error } = await parse(name, '--help')
    expect(out).toMatch(new RegExp(`^Usage: platter ${name} `))
    expect({ ran, err }).toEqual({ ran: [], err: '' })
    expect(error).toMatchObject({ exitCode: 0 })
  })

  it('tells the version', async () => {
    const { out } = await parse('--version')
    expect(out).toMatch(/^\d+\.\d+\.\d+\n$/)
  })
})
