// The words of the command line: commands, arguments, options, and what is refused before anything is
// done. What a command does is loaded when it is run: a map should not wait for a web server to be parsed.

import { Command, Option } from 'commander'
import type { runCompare } from './commands/compare'
import type { runCopy } from './commands/copy'
import type { runInfo } from './commands/info'
import type { runMap } from './commands/map'
import type { runOpen } from './commands/open'
import type { runServe } from './commands/serve'
import { addCompare, addCopy } from './copy-words'
import { errorLine } from './failure'
import { addOverlay, OVERLAY_COMMANDS, type OverlayCommands } from './overlay-words'
import { parsePort } from './parse-port'
import { addServe } from './serve-words'
import { VERSION } from './version'

export interface Commands extends OverlayCommands {
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
  ...OVERLAY_COMMANDS,
}

const FORMAT: [string, string] = [
  '--format <format>',
  "the image's format instead of probing: raw, add-cow",
]

/** The whole command line. Throws CommanderError for wrong words and PlatterError for what failed. */
export function makeProgram(output: ProgramOutput, run: Commands = COMMANDS): Command {
  const program = new Command('platter')
    .description('See what is inside a disk image block by block, and change it without fear.')
    .version(VERSION)
    .helpCommand(false)
    // A command may have options of its own that are called as the program's are.
    .enablePositionalOptions()
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
  addOverlay(program, run)
  for (const command of program.commands) {
    command.copyInheritedSettings(program)
    for (const inner of command.commands) inner.copyInheritedSettings(program)
  }
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
