import { useEffect, useRef, useState } from 'react'
import type { Params, RequestName, Result, WithBytes } from '../../bridge/contract'
import { hasCode } from '../../engine/base/errors'
import { AnswerSlot, type SlotAnswer } from './answer-slot'
import { useAppState } from './use-app'

/** An answer with the parameters that it answers. */
export type Answered<N extends RequestName> = WithBytes<Result<N>> & { readonly asked: Params<N> }

export interface Answer<N extends RequestName> {
  /** The newest that was heard; of an older question while `fresh` is false. */
  readonly got: Answered<N> | undefined
  readonly error: unknown
  /** The answer is to what is asked now, at the stamp that is asked for now. */
  readonly fresh: boolean
}

/**
 * Asks the host, and again whenever the parameters or the stamp change; nothing while `params` is
 * undefined. The old answer stays until the new one is there. Use the session's epoch as the stamp.
 */
export function useAnswer<N extends RequestName>(
  name: N,
  params: Params<N> | undefined,
  stamp = 0,
): Answer<N> {
  const peer = useAppState((state) => state.peer)
  const connected = useAppState((state) => state.connection.kind === 'connected')
  const [answer, setAnswer] = useState<SlotAnswer<Answered<N>>>()
  const slot = useRef<AnswerSlot<Answered<N>>>(undefined)
  const subject = params === undefined ? undefined : JSON.stringify([name, params])

  useEffect(() => {
    // A lost connection is told across the page; what was there stays, and is asked anew afterwards.
    const made = new AnswerSlot<Answered<N>>((answered) => {
      if (!hasCode(answered.error, 'DISCONNECTED')) setAnswer(answered)
    })
    slot.current = made
    return () => made.close()
  }, [])

  // biome-ignore lint/correctness/useExhaustiveDependencies: `subject` stands for name and params.
  useEffect(() => {
    if (!connected || peer === undefined || params === undefined || subject === undefined) return
    const load = async (signal: AbortSignal) => {
      return { ...(await peer.request(name, params, { signal })), asked: params }
    }
    slot.current?.ask({ subject, stamp, load })
  }, [connected, peer, subject, stamp])

  const fresh = answer !== undefined && answer.subject === subject && answer.stamp === stamp
  return { got: answer?.value, error: fresh ? answer.error : undefined, fresh }
}
