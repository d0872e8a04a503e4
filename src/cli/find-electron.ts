import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export type ElectronFound = { readonly path: string } | { readonly why: string }

/**
 * Electron's binary, when there is one and a display to show it on; else why not.
 * PLATTER_ELECTRON_PATH names one to use, whatever else is there.
 */
export function findElectron(
  appDir: string,
  { env, platform }: { readonly env: NodeJS.ProcessEnv; readonly platform: string },
): ElectronFound {
  const named = env['PLATTER_ELECTRON_PATH']
  if (named) return existsSync(named) ? { path: named } : { why: `there is no ${named}` }
  if (platform === 'linux' && !env['DISPLAY'] && !env['WAYLAND_DISPLAY']) {
    return { why: 'there is no display' }
  }
  const dir = join(appDir, 'node_modules', 'electron')
  try {
    const dist = env['ELECTRON_OVERRIDE_DIST_PATH'] || join(dir, 'dist')
    const path = join(dist, readFileSync(join(dir, 'path.txt'), 'utf8').trim())
    if (existsSync(path)) return { path }
  } catch {
    // No path.txt: the package is there without its binary, or not at all.
  }
  return { why: "Electron's binary is not installed: `npx install-electron` fetches it" }
}
