import type { HostInfo } from '../../bridge/model'

/** A browser keeps these for itself: the page never sees them. */
const OF_THE_BROWSER: ReadonlySet<string> = new Set(['Mod+W'])

/** The keys that reach a page of this host, for showing them. */
export const reachableKeys = (
  keys: readonly string[],
  host: HostInfo['host'] | undefined,
): readonly string[] => (host === 'desktop' ? keys : keys.filter((key) => !OF_THE_BROWSER.has(key)))
