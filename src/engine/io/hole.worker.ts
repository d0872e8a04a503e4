// The thread that makes blocking calls about holes. All logic is in hole-requests.ts.

import { parentPort } from 'node:worker_threads'
import { ensure } from '../base/assert'
import { loadHoleLibc } from './hole-libc'
import { HoleAnswers, type HoleReply, type HoleRequest, type Numbered } from './hole-requests'

const port = ensure(parentPort, 'parent port')
const loading: Promise<HoleAnswers | Error> = loadHoleLibc().then(
  (libc) => new HoleAnswers(libc),
  (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
)

port.on('message', async ({ id, body }: Numbered<HoleRequest>) => {
  const answers = await loading
  const reply: HoleReply =
    answers instanceof Error ? { kind: 'unavailable', why: answers.message } : answers.answer(body)
  port.postMessage({ id, body: reply }, reply.kind === 'walked' ? [reply.lengths.buffer] : [])
})
