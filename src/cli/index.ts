// The `platter` command. One line on stderr and a status for every failure: 1 when the world refused or
// a bug of ours stood in the way, 2 when the words were wrong. stdout holds what was asked for, and only
// that.

import { describeFailure } from './failure'
import { print } from './print'
import { makeProgram } from './program'

// A write that fails is reported by whoever waits for it (print.ts); stderr has nobody to report to.
process.stdout.on('error', () => undefined)
process.stderr.on('error', () => undefined)
process.on('uncaughtException', fail)

async function main(): Promise<void> {
  const help: string[] = []
  const program = makeProgram({
    writeOut: (text) => help.push(text),
    writeErr: (text) => process.stderr.write(text),
  })
  try {
    await program.parseAsync(process.argv)
  } catch (error) {
    const { status } = describeFailure(error, process.env)
    if (status !== 0) throw error
  }
  if (help.length > 0) await print(help.join(''))
}

/** Ends the process at once: what still hangs after a failure would only keep its user waiting. */
function fail(error: unknown): void {
  const { status, line = '' } = describeFailure(error, process.env)
  process.stderr.write(line, () => process.exit(status))
}

main().catch(fail)
