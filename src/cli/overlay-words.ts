// The words of `platter overlay`.

import { type Command, InvalidArgumentError, Option } from 'commander'
import { PlatterError } from '../engine/base/errors'
import { type ByteRange, isPowerOfTwo } from '../engine/base/ranges'
import { parseSize } from '../engine/base/size-text'
import { MAX_BLOCK_SIZE, MIN_BLOCK_SIZE } from '../workspace/block-size'
import type { runOverlayCheckpoint } from './commands/overlay-checkpoint'
import type { runOverlayCommit } from './commands/overlay-commit'
import type { runOverlayCreate } from './commands/overlay-create'
import type { runOverlayDiscard } from './commands/overlay-discard'
import type { runOverlayInfo } from './commands/overlay-info'
import type { runOverlayResize } from './commands/overlay-resize'

export interface OverlayCommands {
  readonly overlayCreate: typeof runOverlayCreate
  readonly overlayInfo: typeof runOverlayInfo
  readonly overlayCommit: typeof runOverlayCommit
  readonly overlayDiscard: typeof runOverlayDiscard
  readonly overlayCheckpoint: typeof runOverlayCheckpoint
  readonly overlayResize: typeof runOverlayResize
}

export const OVERLAY_COMMANDS: OverlayCommands = {
  overlayCreate: async (...args) =>
    (await import('./commands/overlay-create')).runOverlayCreate(...args),
  overlayInfo: async (...args) => (await import('./commands/overlay-info')).runOverlayInfo(...args),
  overlayCommit: async (...args) =>
    (await import('./commands/overlay-commit')).runOverlayCommit(...args),
  overlayDiscard: async (...args) =>
    (await import('./commands/overlay-discard')).runOverlayDiscard(...args),
  overlayCheckpoint: async (...args) =>
    (await import('./commands/overlay-checkpoint')).runOverlayCheckpoint(...args),
  overlayResize: async (...args) =>
    (await import('./commands/overlay-resize')).runOverlayResize(...args),
}

const ACCEPT_BASE: [string, string] = [
  '--accept-base',
  'take the base as it is now, though it changed',
]

export function addOverlay(program: Command, run: OverlayCommands): void {
  const overlay = program
    .command('overlay')
    .description('overlays that last: writes staged in a file of their own')
    .helpCommand(false)
  addCreate(overlay, run.overlayCreate)
  overlay
    .command('info <file>')
    .description('what is staged in an overlay, over what, and its checkpoints')
    .option('--json', 'one JSON document on stdout')
    .action((file, options) => run.overlayInfo(file, options))
  addCommit(overlay, run.overlayCommit)
  addDiscard(overlay, run.overlayDiscard)
  addCheckpoint(overlay, run.overlayCheckpoint)
  overlay
    .command('resize <file> <size>')
    .description('another size for the disk; what is added reads as zeroes')
    .option(...ACCEPT_BASE)
    .action((file, size, options) => run.overlayResize(file, size, options))
}

function addCreate(overlay: Command, run: OverlayCommands['overlayCreate']): void {
  overlay
    .command('create <file>')
    .description('make an overlay over an image; FILE.image takes the staged bytes')
    .requiredOption('--base <image>', 'the image that it lies over')
    .option(
      '--block-size <n>',
      'unit of staging, a power of two from 4K to 2M (default: 64K)',
      parseBlockSize,
    )
    .option('--version <n>', 'of the file: 1, whose unit is 512, or 2 (default: 2)', parseVersion)
    .option('--size <n>', "of the disk (default: the image's)", parseBytes)
    .option('--format <format>', "the image's format instead of probing (raw)")
    .action((file, options, command) => {
      if (options.version === 1 && options.blockSize !== undefined) {
        command.error("option '--block-size <n>' cannot be used with option '--version 1'")
      }
      return run(file, options)
    })
}

function addCommit(overlay: Command, run: OverlayCommands['overlayCommit']): void {
  overlay
    .command('commit <file>')
    .description('write what is staged into the image: everything, or the blocks of ranges')
    .addOption(rangeOption())
    .option('--undo <file>', 'keep what is overwritten in a new overlay; committing it undoes')
    .option('--verify', 'read everything back and compare')
    .option('--progress', 'show how far it is, on standard error')
    .option(...ACCEPT_BASE)
    .action((file, options) => run(file, options))
}

function addDiscard(overlay: Command, run: OverlayCommands['overlayDiscard']): void {
  overlay
    .command('discard <file>')
    .description('forget what is staged: everything, or the blocks of ranges')
    .addOption(rangeOption())
    .option(...ACCEPT_BASE)
    .action((file, options) => run(file, options))
}

function addCheckpoint(overlay: Command, run: OverlayCommands['overlayCheckpoint']): void {
  overlay
    .command('checkpoint <file>')
    .description('freeze what is staged, to go back to it')
    .addOption(
      new Option('--name <name>', 'of the checkpoint (default: checkpoint N)').conflicts([
        'back',
        'merge',
      ]),
    )
    .addOption(
      new Option('--back', 'forget what was staged since the last checkpoint').conflicts('merge'),
    )
    .option('--merge', 'take what was staged since into the last checkpoint')
    .option(...ACCEPT_BASE)
    .action((file, options) => run(file, options))
}

/** `OFFSET+LENGTH`, as often as there are ranges. */
export const rangeOption = (): Option =>
  new Option('--range <offset+length>', 'only this range; may be given again').argParser(
    (text: string, before: readonly ByteRange[] | undefined) => [
      ...(before ?? []),
      parseRange(text),
    ],
  )

function parseRange(text: string): ByteRange {
  const plus = text.indexOf('+')
  const offset = sizeOf(text.slice(0, plus))
  const length = sizeOf(text.slice(plus + 1))
  if (plus < 1 || !Number.isSafeInteger(offset + length) || length === 0) {
    throw new InvalidArgumentError('a range is an offset and a length, such as 1M+64K')
  }
  return { offset, length }
}

function parseVersion(text: string): 1 | 2 {
  if (text === '1') return 1
  if (text === '2') return 2
  throw new InvalidArgumentError('the versions are 1 and 2')
}

export function parseBlockSize(text: string): number {
  const size = sizeOf(text)
  if (!isPowerOfTwo(size) || size < MIN_BLOCK_SIZE || size > MAX_BLOCK_SIZE) {
    throw new InvalidArgumentError('a block size is a power of two from 4K to 2M')
  }
  return size
}

function parseBytes(text: string): number {
  const size = sizeOf(text)
  if (!(size > 0)) throw new InvalidArgumentError('it is a size such as 64K')
  return size
}

/** NaN for what is no size: the refusal of a size that does not fit says what would. */
function sizeOf(text: string): number {
  try {
    return parseSize(text, 'size')
  } catch (error) {
    if (error instanceof PlatterError) return Number.NaN
    throw error
  }
}
