import * as nbd from './constants'
import type { RequestRecord } from './request-log'

/**
 * One request as a line of a log file, without its end: `TIME client=1 command=READ offset=0 length=512
 * flags=- result=ok ms=0.042`. Command, flags and errors have the specification's names without their
 * prefixes. `timeMs` is milliseconds since 1970.
 */
export function formatRequestLine(record: RequestRecord, timeMs: number): string {
  const { client, offset, length } = record
  const time = new Date(timeMs).toISOString()
  const command = COMMANDS[record.command] ?? wordOf(nbd.nameOfCommand(record.command))
  const flags = nbd.namesOfCommandFlags(record.flags).join(',') || '-'
  const result = record.errno === nbd.NBD_SUCCESS ? 'ok' : wordOf(nbd.nameOfError(record.errno))
  const ms = record.durationMs.toFixed(3)
  return `${time} client=${client} command=${command} offset=${offset} length=${length} flags=${flags} result=${result} ms=${ms}`
}

const wordOf = (name: string) => name.replace(/^NBD_(CMD_)?/, '').replace(' ', '-')

/** A log has a line for each of many thousand requests a second. */
const COMMANDS: readonly string[] = Array.from({ length: nbd.NBD_CMD_BLOCK_STATUS + 1 }, (_, i) =>
  wordOf(nbd.nameOfCommand(i)),
)
