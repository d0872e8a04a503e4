import { type RefObject, useLayoutEffect, useRef, useState } from 'react'

export interface PixelSize {
  readonly width: number
  readonly height: number
}

/** The size of an element's content box in whole CSS pixels, kept up to date; 0 × 0 before it is there. */
export function useSize<E extends HTMLElement>(): [RefObject<E | null>, PixelSize] {
  const ref = useRef<E>(null)
  const [size, setSize] = useState<PixelSize>({ width: 0, height: 0 })
  useLayoutEffect(() => {
    const element = ref.current
    if (element === null) return
    const observer = new ResizeObserver(([entry]) => {
      if (entry === undefined) return
      const { width, height } = entry.contentRect
      setSize({ width: Math.floor(width), height: Math.floor(height) })
    })
    observer.observe(element)
    return () => observer.disconnect()
  }, [])
  return [ref, size]
}
