import { homedir } from 'node:os'
import { join } from 'node:path'

/** Where what outlives a program but is no setting is kept; PLATTER_STATE_DIR overrides it. */
export function stateDir(env: NodeJS.ProcessEnv = process.env): string {
  if (env['PLATTER_STATE_DIR']) return env['PLATTER_STATE_DIR']
  if (process.platform === 'darwin' || process.platform === 'win32') {
    return join(configDir(env), 'State')
  }
  return join(env['XDG_STATE_HOME'] || join(homedir(), '.local/state'), 'platter')
}

/** Where a person's settings live, by the rules of the platform; PLATTER_CONFIG_DIR overrides it. */
export function configDir(env: NodeJS.ProcessEnv = process.env): string {
  if (env['PLATTER_CONFIG_DIR']) return env['PLATTER_CONFIG_DIR']
  if (process.platform === 'darwin') return join(homedir(), 'Library/Application Support/Platter')
  if (process.platform === 'win32') {
    return join(env['APPDATA'] ?? join(homedir(), 'AppData/Roaming'), 'Platter')
  }
  return join(env['XDG_CONFIG_HOME'] || join(homedir(), '.config'), 'platter')
}
