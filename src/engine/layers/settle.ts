/** Waits for all of them, whatever happens to any, and then rejects with the first failure. */
export async function settleAll(calls: readonly Promise<unknown>[]): Promise<void> {
  const results = await Promise.allSettled(calls)
  for (const result of results) if (result.status === 'rejected') throw result.reason
}

/**
 * Runs `act` on each item with at most `limit` under way. After a failure nothing new is begun; it
 * rejects with the first failure when all that was begun has settled, so no buffer is still in use.
 */
export async function eachInFlight<T>(
  items: Iterable<T>,
  limit: number,
  act: (item: T) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]()
  let failed = false
  const worker = async (): Promise<void> => {
    try {
      for (let next = iterator.next(); !failed && next.done !== true; next = iterator.next()) {
        await act(next.value)
      }
    } catch (error) {
      failed = true
      throw error
    }
  }
  await settleAll(Array.from({ length: limit }, worker))
}
