// The words of `platter copy` and `platter compare`.

import { type Command, InvalidArgumentError, Option } from 'commander'
import { PlatterError } from '../engine/base/errors'
import { parseSize } from '../engine/base/size-text'
import type { runCompare } from './commands/compare'
import type { runCopy } from './commands/copy'

export const MAX_CONNECTIONS = 16

export function addCopy(program: Command, run: typeof runCopy): void {
  program
    .command('copy <source> <target>')
    .description('copy any image to a file, a block device, an NBD export, or null:')
    .option('--connections <n>', 'to each NBD server, 1 to 16 (default: 4)', parseConnections)
    .option('--requests <n>', 'requests in flight (default: 64)', parseCount)
    .option(
      '--request-size <n>',
      'bytes a request, within what both sides take (default: 256K; 1M when no server is written to)',
      parseBytes,
    )
    .option(
      '--sparse <n>',
      'runs of zeroes that are not written as data, 0 for none (default: 4K, or the block that the target prefers)',
      parseBytes,
    )
    .option('--no-extents', 'read all of the source, whatever it says of holes')
    .option('--target-is-zero', 'the target reads as zeroes already: write no zeroes')
    .addOption(new Option('--flush', 'make the copy stable before it counts as done (default)'))
    .option('--no-flush', 'leave that to the system')
    .option('--resume', 'go on with an interrupted copy to a file')
    .option('--progress', 'say on stderr how far it is')
    .option('--format <format>', "the source's format instead of probing: raw, add-cow")
    .action((source, target, options) => run(source, target, options))
}

export function addCompare(program: Command, run: typeof runCompare): void {
  program
    .command('compare <a> <b>')
    .description('the ranges in which two images differ; status 1 if there are any')
    .option('--json', 'one JSON document on stdout')
    .option('--first', 'stop at the first range')
    .option('--no-extents', 'read all of both, whatever they say of holes')
    .option('--progress', 'say on stderr how far it is')
    .option('--format <format>', "the images' format instead of probing: raw, add-cow")
    .action((a, b, options) => run(a, b, options))
}

function parseCount(text: string): number {
  const count = Number(text)
  if (!/^\d+$/.test(text) || count < 1 || !Number.isSafeInteger(count)) {
    throw new InvalidArgumentError('it is a number from 1')
  }
  return count
}

function parseConnections(text: string): number {
  const count = parseCount(text)
  if (count > MAX_CONNECTIONS) {
    throw new InvalidArgumentError(`connections are 1 to ${MAX_CONNECTIONS}`)
  }
  return count
}

function parseBytes(text: string): number {
  try {
    return parseSize(text, 'size')
  } catch (error) {
    if (error instanceof PlatterError) throw new InvalidArgumentError('it is a size such as 64K')
    throw error
  }
}
