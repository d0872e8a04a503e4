// What a request costs and does, told from its header.

import * as nbd from './constants'
import type { RequestHeader } from './request-parser'

/** The bytes that a request keeps in memory: those that it carries or asks for. */
export const costOf = (header: RequestHeader): number =>
  header.command === nbd.NBD_CMD_READ ? header.length : header.payloadLength

export const changesDisk = (header: RequestHeader): boolean =>
  header.command === nbd.NBD_CMD_WRITE ||
  header.command === nbd.NBD_CMD_TRIM ||
  header.command === nbd.NBD_CMD_WRITE_ZEROES
