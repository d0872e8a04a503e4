// The words of the command line: commands, arguments, options, and what is refused before anything is
// done. What a command does is loaded when it is run: a map should not wait for a web server to be parsed.

import { Command, InvalidArgumentError, Option } from 'commander'
import { PlatterError } from '../engine/base/errors'
import { isPowerOfTwo } from '../engine/base/ranges'
import { parseSize } from '../engine/base/size-text'
import { MAX_BLOCK_SIZE, MIN_BLOCK_SIZE } from '../workspace/block-size'
import type { runCompare } from './commands/compare'
import type { runCopy } from './commands/copy'
import type { runInfo } from './commands/info'
import type { runMap } from './commands/map'
import type { runOpen } from './commands/open'
import type { runServe } from './commands/serve'
import { addCompare, addCopy } from './copy-words'
import { errorLine } from './failure'
import { VERSION } from './version'

export interface Commands {
  readonly open: typeof runOpen
  readonly info: typeof runInfo
  readonly map: typeof runMap
  readonly serve: typeof runServe
  readonly copy: typeof runCopy
  readonly compare: typeof runCompare
}

export interface ProgramOutput {
  /** Help and the version. */
  writeOut(text: string): void
  /** What is wrong with the words, one line. */
  writeErr(text: string): void
}

const COMMANDS: Commands = {
  open: async (...args) => (await import('./commands/open')).runOpen(...args),
  info: async (...args) => (await import('./commands/info')).runInfo(...args),
  map: async (...args) => (await import('./commands/map')).runMap(...args),
  serve: async (...args) => (await import('./commands/serve')).runServe(...args),
  copy: async (...args) => (await import('./commands/copy')).runCopy(...args),
  compare: async (...args) => (await import('./commands/compare')).runCompare(...args),
}

const FORMAT: [string, string] = [
  '--format <format>',
  "the image's format instead of probing (raw)",
]

/** The whole command line. Throws CommanderError for wrong words and PlatterError for what failed. */
export function makeProgram(output: ProgramOutput, run: Commands = COMMANDS): Command {
  const program = new Command('platter')
    .description('See what is inside a disk image block by block, and change it without fear.')
    .version(VERSION)
    .helpCommand(false)
    .exitOverride()
    .configureOutput({
      writeOut: output.writeOut,
      // Help that nobody asked for; what is wrong is said in one line instead.
      writeErr: () => undefined,
      outputError: (text) => output.writeErr(errorLine(withoutTone(text))),
    })
  addOpen(program, run.open)
  addInfo(program, run.info)
  addMap(program, run.map)
  addServe(program, run.serve)
  addCopy(program, run.copy)
  addCompare(program, run.compare)
  for (const command of program.commands) command.copyInheritedSettings(program)
  return program
}

/** `error: option '--port' argument 'x' is invalid. Why.` in the form of every other failure. */
const withoutTone = (text: string): string =>
  text
    .trim()
    .replace(/^error: /, '')
    .replace(/\. (?=\S)/, ': ')
    .replace(/\.$/, '')

function addOpen(program: Command, run: Commands['open']): void {
  program
    .command('open [image...]')
    .description('open images in the window: Electron where it can run, else a page in the browser')
    .option('--web', 'serve the page to a browser even where Electron could run')
    .option('--port <n>', 'port of the browser host (default: any free one)', parsePort)
    .action((images, options) => run(images, options))
}

function addInfo(program: Command, run: Commands['info']): void {
  program
    .command('info <image>')
    .description('format, sizes, capabilities, partitions and file systems of an image')
    .option('--json', 'one JSON document on stdout')
    .option('--list', 'the exports of an NBD server')
    .addOption(new Option(...FORMAT).conflicts('list'))
    .action((image, options) => run(image, options))
}

function addMap(program: Command, run: Commands['map']): void {
  program
    .command('map <image>')
    .description('which ranges are data, zero or hole')
    .option('--json', 'one JSON document on stdout')
    .option('--totals', 'bytes and percent of each kind instead of the ranges')
    .option('--context <name>', 'the metadata context to map', 'base:allocation')
    .option(...FORMAT)
    .action((image, options) => run(image, options))
}

function addServe(program: Command, run: Commands['serve']): void {
  const option = (flags: string, description: string) => new Option(flags, description)
  program
    .command('serve <image>')
    .description('serve an image over NBD: read-only, unless told otherwise')
    .addOption(
      option('--socket <path>', 'listen on a Unix socket').argParser(parseSocket).conflicts('port'),
    )
    .addOption(
      option('--port <n>', 'listen on a TCP port; 0 takes any free one (default: 10809)').argParser(
        parsePort,
      ),
    )
    .addOption(
      option('--bind <addr>', 'address to listen on (default: 127.0.0.1)')
        .argParser(parseAddress)
        .conflicts('socket'),
    )
    .addOption(option('--name <export>', 'name of the export').argParser(parseName).default(''))
    .addOption(
      option('--cow', 'take writes into a temporary overlay; the image stays untouched').conflicts(
        'writable',
      ),
    )
    .option('--writable', 'write to the image itself')
    .addOption(
      option(
        '--block-size <n>',
        'with --cow: unit of the overlay, a power of two from 4K to 2M (default: 64K)',
      ).argParser(parseBlockSize),
    )
    .addOption(
      option(
        '--tls <mode>',
        'off, on (for clients that ask) or require (default: on with keys)',
      ).choices(['off', 'on', 'require'] as const),
    )
    .addOption(
      option(
        '--tls-certificates <dir>',
        'directory with server-cert.pem, server-key.pem and ca-cert.pem',
      )
        .argParser(parseKeys)
        .conflicts('tlsPsk'),
    )
    .addOption(
      option('--tls-psk <file>', 'pre-shared keys, a line user:hexkey for each').argParser(
        parseKeys,
      ),
    )
    .option('--tls-verify-peer', 'let in only clients with a certificate of ca-cert.pem')
    .option('--log <file>', 'write a line for each request; - is standard error', parseLog)
    .option(...FORMAT)
    .action((image, options, command) => {
      const hasKeys = options.tlsCertificates !== undefined || options.tlsPsk !== undefined
      if ((options.tls ?? 'off') !== 'off' && !hasKeys) {
        command.error("option '--tls <mode>' needs '--tls-certificates' or '--tls-psk'")
      }
      if (options.tlsVerifyPeer === true && options.tlsCertificates === undefined) {
        command.error("option '--tls-verify-peer' needs option '--tls-certificates <dir>'")
      }
      if (options.blockSize !== undefined && options.cow !== true) {
        command.error("option '--block-size <n>' needs option '--cow'")
      }
      return run(image, options)
    })
}

function parsePort(text: string): number {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65535) {
    throw new InvalidArgumentError('a port is a number from 0 to 65535')
  }
  return port
}

function parseSocket(text: string): string {
  if (text === '') throw new InvalidArgumentError('a socket needs a path')
  return text
}

function parseLog(text: string): string {
  if (text === '') throw new InvalidArgumentError('a log needs a path')
  return text
}

function parseKeys(text: string): string {
  if (text === '') throw new InvalidArgumentError('keys need a path')
  return text
}

function parseAddress(text: string): string {
  // An empty address would mean every one of this machine.
  if (text.trim() === '') throw new InvalidArgumentError('an address to listen on is not empty')
  return text
}

/** NBD's bound on any string. */
const MAX_NAME_BYTES = 4096

function parseName(text: string): string {
  const length = Buffer.byteLength(text)
  if (length > MAX_NAME_BYTES) {
    throw new InvalidArgumentError(
      `the name of an export has at most ${MAX_NAME_BYTES} bytes, this one has ${length}`,
    )
  }
  return text
}

function parseBlockSize(text: string): number {
  const size = sizeOf(text)
  if (!isPowerOfTwo(size) || size < MIN_BLOCK_SIZE || size > MAX_BLOCK_SIZE) {
    throw new InvalidArgumentError('a block size is a power of two from 4K to 2M')
  }
  return size
}

/** NaN for what is no size: the refusal of a size that does not fit says what would. */
function sizeOf(text: string): number {
  try {
    return parseSize(text, 'block size')
  } catch (error) {
    if (error instanceof PlatterError) return Number.NaN
    throw error
  }
}
