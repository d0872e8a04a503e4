// A block status that names its contexts: 64 bits of length, then 32 bits for each context.

import { PlatterError } from '../base/errors'
import type { Disk } from '../disk/disk'
import type { SelectedContext } from './server-contexts'
import { offsetAt, u32At } from './wire-read'

export interface StatusRequest {
  readonly length: number
  readonly contexts: readonly SelectedContext[]
}

/** Throws BAD_REQUEST for what cannot be answered; `payload` has a valid length. */
export function parseStatusPayload(
  payload: Uint8Array,
  offset: number,
  selected: readonly SelectedContext[],
  { size, blockSize }: Pick<Disk, 'size' | 'blockSize'>,
): StatusRequest {
  const refuse = (why: string): never => {
    throw new PlatterError('BAD_REQUEST', `NBD_CMD_BLOCK_STATUS: ${why}`)
  }
  const length = offsetAt(payload, 0)
  if (length === 0 || offset > size || length > size - offset) {
    refuse(`${length} bytes at ${offset} are outside the export of ${size} bytes`)
  }
  const { minimum } = blockSize
  if (offset % minimum !== 0 || length % minimum !== 0) {
    refuse(`${length} bytes at ${offset} are not whole blocks of ${minimum}`)
  }
  const contexts: SelectedContext[] = []
  for (let at = 8; at < payload.length; at += 4) {
    const id = u32At(payload, at)
    const found = selected.find((context) => context.id === id)
    if (found === undefined) refuse(`context ${id} was not selected`)
    else if (contexts.includes(found)) refuse(`context ${id} is named twice`)
    else contexts.push(found)
  }
  return { length, contexts }
}
