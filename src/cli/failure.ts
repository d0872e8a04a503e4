import { CommanderError } from 'commander'
import { PlatterError } from '../engine/base/errors'
import { EXIT_DONE, EXIT_FAILED, EXIT_USAGE } from './exit-codes'
import { printable } from './printable'

const ACCEPT_HINT = '; if the change is right, --accept-base takes it as it is now'
const NO_COMMAND = 'a command is missing: platter --help lists them'

export interface Failure {
  readonly status: number
  /** For stderr; absent when the parser has said it already, or when help was what was asked for. */
  readonly line?: string
}

/** What a command that ended with `error` says and returns. A bug of ours shows where with PLATTER_DEBUG. */
export function describeFailure(error: unknown, env: NodeJS.ProcessEnv): Failure {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return { status: EXIT_DONE }
    const noCommand = error.code === 'commander.help'
    return { status: EXIT_USAGE, ...(noCommand ? { line: errorLine(NO_COMMAND) } : {}) }
  }
  if (error instanceof PlatterError) {
    const status = error.code === 'BAD_REQUEST' ? EXIT_USAGE : EXIT_FAILED
    const hint = error.data['acceptable'] === true ? ACCEPT_HINT : ''
    return { status, line: errorLine(`${error.message}${hint}`) }
  }
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error))
  if (env['PLATTER_DEBUG']) return { status: EXIT_FAILED, line: `platter: ${stack}\n` }
  const hint = 'PLATTER_DEBUG=1 shows where'
  return {
    status: EXIT_FAILED,
    line: errorLine(`this is a bug in Platter: ${name}: ${message} (${hint})`),
  }
}

/** One line, whatever a path or a server has put into the message. */
export const errorLine = (message: string): string =>
  `platter: ${printable(message.trim().replaceAll(/\s*\n\s*/g, ' '))}\n`
