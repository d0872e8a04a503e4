// The `platter` command. One line on stderr and a status for every failure: 1 when the world refused,
// 2 when the words were wrong. A stack is shown for bugs of ours only, and says so.

import { CommanderError } from 'commander'
import { PlatterError } from '../engine/base/errors'
import { EXIT_DONE, EXIT_FAILED, EXIT_USAGE } from './exit-codes'
import { makeProgram } from './program'

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // The reader of a pipe has seen enough (`platter map … | head`).
  process.exit(error.code === 'EPIPE' ? EXIT_DONE : EXIT_FAILED)
})

async function main(): Promise<number> {
  try {
    await makeProgram().parseAsync(process.argv)
    return EXIT_DONE
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_DONE : EXIT_USAGE
    if (error instanceof PlatterError) {
      process.stderr.write(`platter: ${oneLine(error.message)}\n`)
      return error.code === 'BAD_REQUEST' ? EXIT_USAGE : EXIT_FAILED
    }
    process.stderr.write(`platter: a bug in Platter: ${(error as Error)?.stack ?? error}\n`)
    return EXIT_FAILED
  }
}

const oneLine = (text: string) => text.replaceAll(/\s*\n\s*/g, ' ')

process.exitCode = await main()
