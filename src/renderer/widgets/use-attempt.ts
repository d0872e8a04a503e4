import { useState, useTransition } from 'react'
import { messageOf } from '../state/app'

export interface Attempt {
  /** What the last attempt failed with. */
  readonly problem: string | undefined
  readonly pending: boolean
  /** Runs a task; while one runs, another is not started. */
  start(task: () => Promise<void>): void
  clear(): void
}

/** Something that a person starts, that takes a while, and that may fail: for dialogs. */
export function useAttempt(): Attempt {
  const [problem, setProblem] = useState<string>()
  const [pending, startTransition] = useTransition()
  const start = (task: () => Promise<void>) => {
    if (pending) return
    setProblem(undefined)
    startTransition(async () => {
      try {
        await task()
      } catch (error) {
        setProblem(messageOf(error))
      }
    })
  }
  return { problem, pending, start, clear: () => setProblem(undefined) }
}
