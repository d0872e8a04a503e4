// The server's replies to options.

import { ByteWriter, utf8 } from '../base/bytes'
import * as nbd from './constants'
import type { Script } from './handshake-script'
import { send } from './handshake-script'

export function* refuseUnknown(option: number, name: string): Script<undefined> {
  return yield* refuse(option, nbd.NBD_REP_ERR_UNKNOWN, `no export '${name}'`)
}

export function* refuse(option: number, type: number, text: string): Script<undefined> {
  return yield* reply(option, type, utf8(text.slice(0, 1000)))
}

export function* reply(
  option: number,
  type: number,
  data: Uint8Array = new Uint8Array(0),
): Script<undefined> {
  const message = new ByteWriter(20 + data.length)
  message.u64(nbd.NBD_OPTION_REPLY_MAGIC).u32(option).u32(type).u32(data.length).put(data)
  yield* send(message.done())
  return undefined
}
