import { useCallback, useState } from 'react'

/** Rows are fetched in steps of this, with one step more on either side of what is in sight. */
const STEP = 64

export interface RowWindow {
  readonly first: number
  readonly count: number
}

/** The rows to hold for a DataGrid; changes only when what is in sight leaves the steps held. */
export function useRowWindow(): [RowWindow, (first: number, count: number) => void] {
  const [held, setHeld] = useState<RowWindow>({ first: 0, count: 2 * STEP })
  const onWindow = useCallback((first: number, count: number) => {
    const start = Math.max(0, Math.floor(first / STEP) - 1) * STEP
    const end = (Math.ceil((first + count) / STEP) + 1) * STEP
    setHeld((now) =>
      now.first === start && now.count === end - start ? now : { first: start, count: end - start },
    )
  }, [])
  return [held, onWindow]
}
