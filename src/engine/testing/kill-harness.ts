// Kills programs at random instants and looks at what they left. A program says each step on its standard
// output, a line before it and a line after it, written at once (writeSync): what was said when it was
// killed is what had happened. Unlike a crash (crash-states.ts) a kill leaves all that was written; it
// catches the real files, the real order of calls, and locks that stay behind.

import { spawn } from 'node:child_process'
import { Prng } from '../base/prng'

export interface KillTest<State> {
  /** A module for Node: `import program from './x?nodeProgram'`. */
  readonly program: string
  readonly kills: number
  readonly seed: number
  /** Before each run: what the program is told, and what check() wants to know again. */
  readonly prepare: (
    run: number,
  ) => Promise<{ readonly args: readonly string[]; readonly state: State }>
  /** Rejects when what is left is wrong; `lines` are those that were said. */
  readonly check: (state: State, lines: readonly string[]) => Promise<void>
}

export interface KillCounts {
  kills: number
  /** Runs that came to their end before they were killed; they are checked as well. */
  ended: number
  lines: number
}

/** The kill comes up to so long after the line that it waits for. */
const MOST_DELAY_MS = 4
const TIMEOUT_MS = 30_000

/** Runs it to its end once, and then kills it `kills` times. Rejects with the first wrong outcome. */
export async function killAtRandom<State>(test: KillTest<State>): Promise<KillCounts> {
  const prng = new Prng(test.seed)
  const counts: KillCounts = { kills: 0, ended: 0, lines: 0 }
  let usual = 0
  for (let run = 0; counts.kills < test.kills; run++) {
    if (run > 3 * test.kills + 10) throw new Error('the program ends before it can be killed')
    const { args, state } = await test.prepare(run)
    const instant =
      run === 0 ? undefined : { line: prng.below(usual), delayMs: prng.below(MOST_DELAY_MS + 1) }
    const { lines, wasKilled } = await runAndKill(test.program, args, instant)
    if (run === 0) usual = lines.length
    counts[wasKilled ? 'kills' : 'ended']++
    counts.lines += lines.length
    try {
      await test.check(state, lines)
    } catch (error) {
      const what = `run ${run} (${args.join(' ')}), ${wasKilled ? 'killed' : 'ended'} after`
      throw new Error(`${what} ${lines.length} lines: ${(error as Error).message}`, {
        cause: error,
      })
    }
  }
  return counts
}

interface Instant {
  /** Counted from 0. */
  readonly line: number
  readonly delayMs: number
}

/** `undefined`: to its end. Rejects when it fails by itself. */
function runAndKill(
  program: string,
  args: readonly string[],
  instant: Instant | undefined,
): Promise<{ readonly lines: readonly string[]; readonly wasKilled: boolean }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    let failure = ''
    let planned: NodeJS.Timeout | undefined
    let seen = 0
    const limit = setTimeout(() => child.kill('SIGTERM'), TIMEOUT_MS)
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk
      for (const byte of chunk) if (byte === 10) seen++
      if (instant === undefined || planned !== undefined || seen <= instant.line) return
      planned = setTimeout(() => child.kill('SIGKILL'), instant.delayMs)
    })
    child.stderr.on('data', (chunk) => {
      failure += chunk
    })
    child.on('error', reject)
    child.on('close', (status, signal) => {
      clearTimeout(limit)
      clearTimeout(planned)
      const wasKilled = signal === 'SIGKILL'
      if (!wasKilled && status !== 0) {
        reject(
          new Error(`${program} ${args.join(' ')}: ended with ${status ?? signal}: ${failure}`),
        )
        return
      }
      // What follows the last line end is a line that was not said to its end.
      resolve({ lines: output.split('\n').slice(0, -1), wasKilled })
    })
  })
}
