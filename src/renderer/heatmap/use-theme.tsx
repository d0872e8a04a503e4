import { useSyncExternalStore } from 'react'
import type { ThemeName } from '../theme/palette'

/** The theme that the root element wears, for what is painted rather than styled. */
export function useTheme(): ThemeName {
  return useSyncExternalStore(watchTheme, readTheme)
}

function watchTheme(onChange: () => void): () => void {
  const observer = new MutationObserver(onChange)
  observer.observe(document.documentElement, { attributeFilter: ['data-theme'] })
  return () => observer.disconnect()
}

const readTheme = (): ThemeName =>
  document.documentElement.dataset['theme'] === 'light' ? 'light' : 'dark'

export function useMediaQuery(query: string): boolean {
  return useSyncExternalStore(
    (onChange) => {
      const list = window.matchMedia(query)
      list.addEventListener('change', onChange)
      return () => list.removeEventListener('change', onChange)
    },
    () => window.matchMedia(query).matches,
  )
}

/** Physical pixels a CSS pixel; changes with the zoom of the page and with the screen. */
export function useDevicePixelRatio(): number {
  return useSyncExternalStore(
    (onChange) => {
      const list = window.matchMedia(`(resolution: ${window.devicePixelRatio}dppx)`)
      list.addEventListener('change', onChange)
      window.addEventListener('resize', onChange)
      return () => {
        list.removeEventListener('change', onChange)
        window.removeEventListener('resize', onChange)
      }
    },
    () => window.devicePixelRatio,
  )
}
