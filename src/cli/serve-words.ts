// The words of `platter serve`.

import { type Command, InvalidArgumentError, Option } from 'commander'
import type { runServe, ServeOptions } from './commands/serve'
import { parseBlockSize } from './overlay-words'
import { parsePort } from './parse-port'

export function addServe(program: Command, run: typeof runServe): void {
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
      option('--cow', 'take writes into a temporary overlay; the image stays untouched').conflicts([
        'writable',
        'overlay',
      ]),
    )
    .addOption(
      option('--overlay <file>', 'take writes into an overlay that lasts, made if it is not there')
        .argParser(parseOverlay)
        .conflicts('writable'),
    )
    .option('--writable', 'write to the image itself')
    .addOption(
      option(
        '--block-size <n>',
        'of a new overlay: its unit, a power of two from 4K to 2M (default: 64K)',
      ).argParser(parseBlockSize),
    )
    .option('--accept-base', 'with --overlay: take the image as it is now, though it changed')
    .option('--copy-on-read', 'keep in the overlay what is read from the image')
    .option('--copy-on-cache', 'keep in the overlay what clients ask to be cached')
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
    .option('--format <format>', "the image's format instead of probing: raw, add-cow")
    .action((image, options, command) => {
      const wrong = wrongTogether(options)
      if (wrong !== undefined) command.error(wrong)
      return run(image, options)
    })
}

/** Why these options make no sense together, beyond what excludes what; `undefined` when they do. */
function wrongTogether(options: ServeOptions): string | undefined {
  const hasKeys = options.tlsCertificates !== undefined || options.tlsPsk !== undefined
  if ((options.tls ?? 'off') !== 'off' && !hasKeys) {
    return "option '--tls <mode>' needs '--tls-certificates' or '--tls-psk'"
  }
  if (options.tlsVerifyPeer === true && options.tlsCertificates === undefined) {
    return "option '--tls-verify-peer' needs option '--tls-certificates <dir>'"
  }
  const hasOverlay = options.cow === true || options.overlay !== undefined
  for (const [given, flags] of [
    [options.blockSize !== undefined, '--block-size <n>'],
    [options.copyOnRead === true, '--copy-on-read'],
    [options.copyOnCache === true, '--copy-on-cache'],
  ] as const) {
    if (given && !hasOverlay) {
      return `option '${flags}' needs option '--cow' or '--overlay <file>'`
    }
  }
  if (options.acceptBase === true && options.overlay === undefined) {
    return "option '--accept-base' needs option '--overlay <file>'"
  }
  return undefined
}

function parseSocket(text: string): string {
  if (text === '') throw new InvalidArgumentError('a socket needs a path')
  return text
}

function parseOverlay(text: string): string {
  if (text === '') throw new InvalidArgumentError('an overlay needs a path')
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
