// Which images a command line asks to open. Chromium adds switches of its own to it, in any order, and
// file managers hand over file: addresses as readily as paths.

import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isNbdUri, SAMPLE_LOCATOR } from '../workspace/locators'

export interface CommandLine {
  readonly argv: readonly string[]
  /** What relative paths are relative to. */
  readonly cwd: string
  /** Run as `electron APP …`: the first argument is the application. */
  readonly namesApp: boolean
}

/** Locators for Workspace.open: absolute paths and NBD URIs. */
export function requestedImages({ argv, cwd, namesApp }: CommandLine): string[] {
  const positional = argv
    .slice(1)
    .filter((argument) => !argument.startsWith('-') && argument !== '')
  return positional.slice(namesApp ? 1 : 0).map((argument) => toLocator(argument, cwd))
}

function toLocator(argument: string, cwd: string): string {
  if (isNbdUri(argument) || argument === SAMPLE_LOCATOR) return argument
  if (argument.startsWith('file://')) return fileURLToPath(argument)
  return resolve(cwd, argument)
}
