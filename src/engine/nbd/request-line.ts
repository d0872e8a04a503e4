import * as nbd from './constants'
import type { RequestRecord } from './request-log'

/**
 * One request as a line of a log file, without its end: `TIME client=1 command=READ offset=0 length=512
 * flags=- result=ok ms=0.042`. Command, flags and errors have the specification's names without their
 * prefixes. `timeMs` is milliseconds since 1970.
 */
export function formatRequestLine(record: RequestRecord, timeMs: number): string {
  const flags = nbd.namesOfCommandFlags(record.flags).join(',')
  const result = record.errno === nbd.NBD_SUCCESS ? 'ok' : wordOf(nbd.nameOfError(record.errno))
  return [
    new Date(timeMs).toISOString(),
    `client=${record.client}`,
    `command=${wordOf(nbd.nameOfCommand(record.command))}`,
    `offset=${record.offset}`,
    `length=${record.length}`,
    `flags=${flags === '' ? '-' : flags}`,
    `result=${result}`,
    `ms=${record.durationMs.toFixed(3)}`,
  ].join(' ')
}

const wordOf = (name: string) => name.replace(/^NBD_(CMD_)?/, '').replace(' ', '-')
