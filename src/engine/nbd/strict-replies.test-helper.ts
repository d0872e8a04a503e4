// Reads a server's replies as the specification has them, all at once and with nothing of the product's:
// what each request may be told at the most. It stops at the first byte that is not allowed, and whatever
// was not answered by then has no answer.

export interface AskedRead {
  readonly kind: 'read'
  readonly offset: number
  readonly length: number
}

export interface AskedStatus {
  readonly kind: 'status'
  readonly offset: number
  readonly length: number
}

export interface AskedChange {
  readonly kind: 'change'
  readonly offset: number
}

export type Asked = AskedRead | AskedStatus | AskedChange

export type Runs = readonly (readonly [length: bigint, flags: bigint])[]

/** A good end: with the bytes of a read, or the extents of each context. */
export interface Answer {
  readonly data: Uint8Array
  readonly status: ReadonlyMap<number, Runs>
}

export interface StrictRules {
  readonly style: 'simple' | 'structured' | 'extended'
  readonly contexts: readonly number[]
}

class Violation extends Error {}

interface Open {
  readonly asked: Asked
  readonly data: Uint8Array
  readonly have: boolean[]
  readonly status: Map<number, Runs>
  failed: boolean
}

interface Frame {
  readonly cookie: bigint
  readonly type: number
  readonly done: boolean
  readonly payload: Uint8Array
  /** Where the next one begins. */
  readonly end: number
}

const number = (bytes: Uint8Array, at: number, length: number): bigint => {
  let value = 0n
  for (let i = 0; i < length; i++) value = value * 256n + BigInt(bytes[at + i] ?? 0)
  return value
}

const check = (condition: boolean): void => {
  if (!condition) throw new Violation()
}

/** The answers that came whole and well, by cookie; `undefined` for those that came as an error. */
export function interpret(
  stream: Uint8Array,
  asked: ReadonlyMap<bigint, Asked>,
  rules: StrictRules,
): Map<bigint, Answer | undefined> {
  const open = new Map<bigint, Open>()
  for (const [cookie, each] of asked) {
    const length = each.kind === 'read' ? each.length : 0
    const have = Array<boolean>(length).fill(false)
    const data = new Uint8Array(length)
    open.set(cookie, { asked: each, data, have, status: new Map(), failed: false })
  }
  const answers = new Map<bigint, Answer | undefined>()
  try {
    for (let at = 0; at < stream.length; ) at = takeReply(stream, at, open, answers, rules)
  } catch (error) {
    if (!(error instanceof Violation)) throw error
  }
  return answers
}

function takeReply(
  stream: Uint8Array,
  at: number,
  open: Map<bigint, Open>,
  answers: Map<bigint, Answer | undefined>,
  rules: StrictRules,
): number {
  const magic = number(stream, at, 4)
  if (magic === 0x67446698n) return takeSimple(stream, at, open, answers, rules)
  const frame = frameOf(stream, at, open, rules)
  const request = open.get(frame.cookie) as Open
  takeChunk(request, frame, rules)
  if (!frame.done) return frame.end
  open.delete(frame.cookie)
  const { asked, have, status } = request
  const covered = have.every((byte) => byte)
  const told = asked.kind !== 'status' || status.size === rules.contexts.length
  const good = !request.failed && covered && told
  answers.set(frame.cookie, good ? { data: request.data, status } : undefined)
  return frame.end
}

function takeSimple(
  stream: Uint8Array,
  at: number,
  open: Map<bigint, Open>,
  answers: Map<bigint, Answer | undefined>,
  { style }: StrictRules,
): number {
  check(style !== 'extended' && stream.length - at >= 16)
  const cookie = number(stream, at + 8, 8)
  const request = open.get(cookie)
  check(request !== undefined)
  const { asked } = request as Open
  check(style === 'simple' || asked.kind !== 'read')
  const failed = number(stream, at + 4, 4) !== 0n
  const length = asked.kind === 'read' && !failed ? asked.length : 0
  check(stream.length - at >= 16 + length)
  open.delete(cookie)
  const data = stream.slice(at + 16, at + 16 + length)
  const bad = failed || asked.kind === 'status'
  answers.set(cookie, bad ? undefined : { data, status: new Map() })
  return at + 16 + length
}

function frameOf(
  stream: Uint8Array,
  at: number,
  open: Map<bigint, Open>,
  { style }: StrictRules,
): Frame {
  const isExtended = style === 'extended'
  check(style !== 'simple')
  check(number(stream, at, 4) === (isExtended ? 0x6e8a278cn : 0x668e33efn))
  const header = isExtended ? 32 : 20
  check(stream.length - at >= header)
  const cookie = number(stream, at + 8, 8)
  const request = open.get(cookie)
  check(request !== undefined)
  const { asked } = request as Open
  if (isExtended) check(number(stream, at + 16, 8) === BigInt(asked.offset))
  const length = isExtended ? number(stream, at + 24, 8) : number(stream, at + 16, 4)
  check(length <= BigInt(stream.length - at - header))
  const end = at + header + Number(length)
  return {
    cookie,
    type: Number(number(stream, at + 6, 2)),
    done: (number(stream, at + 4, 2) & 1n) === 1n,
    payload: stream.slice(at + header, end),
    end,
  }
}

function takeChunk(request: Open, { type, done, payload }: Frame, rules: StrictRules): void {
  if (type >= 0x8000) {
    const tail = type === 0x8002 ? 8n : 0n
    check(payload.length >= 6 && number(payload, 0, 4) !== 0n)
    const text = number(payload, 4, 2)
    check(text <= 4096n && 6n + text + tail <= BigInt(payload.length))
    request.failed = true
    return
  }
  if (type === 0) check(done && payload.length === 0)
  else if (type === 1) {
    check(payload.length >= 9)
    put(request, number(payload, 0, 8), payload.subarray(8))
  } else if (type === 2) {
    check(payload.length === 12 && number(payload, 8, 4) > 0n)
    check(number(payload, 8, 4) <= BigInt(request.data.length))
    put(request, number(payload, 0, 8), new Uint8Array(Number(number(payload, 8, 4))))
  } else takeStatus(request, type, payload, rules)
}

function put({ asked, data, have }: Open, offset: bigint, bytes: Uint8Array): void {
  check(asked.kind === 'read')
  const from = offset - BigInt(asked.offset)
  check(from >= 0n && from + BigInt(bytes.length) <= BigInt(data.length))
  for (const [i, byte] of bytes.entries()) {
    check(have[Number(from) + i] === false)
    have[Number(from) + i] = true
    data[Number(from) + i] = byte
  }
}

function takeStatus(request: Open, type: number, payload: Uint8Array, rules: StrictRules): void {
  const isExtended = rules.style === 'extended'
  check(request.asked.kind === 'status' && type === (isExtended ? 6 : 5))
  const [before, field] = isExtended ? [8, 8] : [4, 4]
  const count = (payload.length - before) / (2 * field)
  check(Number.isInteger(count) && count >= 1)
  const id = Number(number(payload, 0, 4))
  check(rules.contexts.includes(id) && !request.status.has(id))
  // 0 is allowed: "as many as there are".
  if (isExtended) check([0n, BigInt(count)].includes(number(payload, 4, 4)))
  const runs = Array.from({ length: count }, (_, i) => {
    const at = before + 2 * field * i
    return [number(payload, at, field), number(payload, at + field, field)] as const
  })
  check(runs.every(([length]) => length > 0n))
  request.status.set(id, runs)
}
