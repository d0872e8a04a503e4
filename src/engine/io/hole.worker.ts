// The thread that makes blocking calls about holes. All logic is in hole-requests.ts.

import { parentPort } from 'node:worker_threads'
import { ensure } from '../base/assert'
import type { HoleLibc } from './hole-libc'
import { loadHoleLibc } from './hole-libc'
import type { HoleReply, HoleRequest, Numbered } from './hole-requests'
import { answerHoleRequest } from './hole-requests'

const port = ensure(parentPort, 'parent port')
const loading: Promise<HoleLibc | Error> = loadHoleLibc().catch((error: unknown) =>
  error instanceof Error ? error : new Error(String(error)),
)

port.on('message', async ({ id, body }: Numbered<HoleRequest>) => {
  const libc = await loading
  const reply: HoleReply =
    libc instanceof Error
      ? { kind: 'unavailable', why: libc.message }
      : answerHoleRequest(libc, body)
  port.postMessage({ id, body: reply }, reply.kind === 'walked' ? [reply.lengths.buffer] : [])
})
