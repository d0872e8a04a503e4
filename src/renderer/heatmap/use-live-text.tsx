import { useEffect, useState } from 'react'

const REST_MS = 300

/** The value as it was when it last stood still for a moment: for what is spoken, not shown. */
export function useSettled<T>(value: T): T {
  const [settled, setSettled] = useState(value)
  useEffect(() => {
    const timer = window.setTimeout(() => setSettled(value), REST_MS)
    return () => window.clearTimeout(timer)
  }, [value])
  return settled
}

/** The latest value, taken over at most every REST_MS: for what follows something that never rests. */
export function useSampled<T>(value: T): T {
  const [sampled, setSampled] = useState({ value, at: 0 })
  useEffect(() => {
    if (sampled.value === value) return
    const wait = Math.max(0, sampled.at + REST_MS - performance.now())
    const timer = window.setTimeout(() => setSampled({ value, at: performance.now() }), wait)
    return () => window.clearTimeout(timer)
  }, [value, sampled])
  return sampled.value
}
