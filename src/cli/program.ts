import { Command, InvalidArgumentError, Option } from 'commander'
import { PlatterError } from '../engine/base/errors'
import { isPowerOfTwo } from '../engine/base/ranges'
import { parseSize } from '../engine/base/size-text'
import { DEFAULT_BLOCK_SIZE, MAX_BLOCK_SIZE, MIN_BLOCK_SIZE } from '../workspace/block-size'
import type { runInfo as RunInfo } from './commands/info'
import type { runMap as RunMap } from './commands/map'
import type { runOpen as RunOpen } from './commands/open'
import type { runServe as RunServe } from './commands/serve'
import { VERSION } from './version'

// Each command is loaded when it is run: a map should not wait for a web server to be parsed.

const FORMAT: [string, string] = [
  '--format <format>',
  "the image's format instead of probing (raw)",
]

/** The whole command line. Throws CommanderError for wrong words and PlatterError for what failed. */
export function makeProgram(): Command {
  const program = new Command('platter')
    .description('See what is inside a disk image block by block, and change it without fear.')
    .version(VERSION)
    .helpCommand(false)
    .exitOverride()
    .configureOutput({
      outputError: (text, write) => write(`platter: ${text.replace(/^error: /, '')}`),
    })
  addOpen(program)
  addInfo(program)
  addMap(program)
  addServe(program)
  for (const command of program.commands) command.exitOverride().copyInheritedSettings(program)
  return program
}

function addOpen(program: Command): void {
  program
    .command('open [image...]')
    .description('open images in the window: Electron where it can run, else a page in the browser')
    .option('--web', 'serve the page to a browser even where Electron could run')
    .option('--port <n>', 'port of the browser host (default: any free one)', parsePort)
    .action(async (...args: Parameters<typeof RunOpen>) => {
      await (await import('./commands/open')).runOpen(...args)
    })
}

function addInfo(program: Command): void {
  program
    .command('info <image>')
    .description('format, sizes, capabilities, partitions and file systems of an image')
    .option('--json', 'one JSON document on stdout')
    .option('--list', 'the exports of an NBD server')
    .option(...FORMAT)
    .action(async (...args: Parameters<typeof RunInfo>) => {
      await (await import('./commands/info')).runInfo(...args)
    })
}

function addMap(program: Command): void {
  program
    .command('map <image>')
    .description('which ranges are data, zero or hole')
    .option('--json', 'one JSON document on stdout')
    .option('--totals', 'bytes and percent of each kind instead of the ranges')
    .option('--context <name>', 'the metadata context to map', 'base:allocation')
    .option(...FORMAT)
    .action(async (...args: Parameters<typeof RunMap>) => {
      await (await import('./commands/map')).runMap(...args)
    })
}

function addServe(program: Command): void {
  program
    .command('serve <image>')
    .description('serve an image over NBD: read-only, unless told otherwise')
    .addOption(new Option('--socket <path>', 'listen on a Unix socket').conflicts('port'))
    .addOption(
      new Option(
        '--port <n>',
        'listen on a TCP port; 0 takes any free one (default: 10809)',
      ).argParser(parsePort),
    )
    .addOption(
      new Option('--bind <addr>', 'address to listen on (default: 127.0.0.1)').conflicts('socket'),
    )
    .option('--name <export>', 'name of the export', '')
    .addOption(
      new Option(
        '--cow',
        'take writes into a temporary overlay; the image stays untouched',
      ).conflicts('writable'),
    )
    .option('--writable', 'write to the image itself')
    .addOption(
      new Option('--block-size <n>', 'unit of the overlay, 4K to 2M, a power of two')
        .argParser(parseBlockSize)
        .default(DEFAULT_BLOCK_SIZE, '64K'),
    )
    .option(...FORMAT)
    .action(async (...args: Parameters<typeof RunServe>) => {
      await (await import('./commands/serve')).runServe(...args)
    })
}

function parsePort(text: string): number {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65535) {
    throw new InvalidArgumentError('a port is a number from 0 to 65535.')
  }
  return port
}

function parseBlockSize(text: string): number {
  const size = sizeOrRefuse(text)
  if (!isPowerOfTwo(size) || size < MIN_BLOCK_SIZE || size > MAX_BLOCK_SIZE) {
    throw new InvalidArgumentError('a block size is a power of two from 4K to 2M.')
  }
  return size
}

function sizeOrRefuse(text: string): number {
  try {
    return parseSize(text, 'size')
  } catch (error) {
    if (error instanceof PlatterError) throw new InvalidArgumentError(`${error.message}.`)
    throw error
  }
}
