// A key of the actions' table as Electron's menus spell it.

const NAMES: Readonly<Record<string, string>> = {
  Mod: 'CmdOrCtrl',
  ArrowLeft: 'Left',
  ArrowRight: 'Right',
  ArrowUp: 'Up',
  ArrowDown: 'Down',
}

/** Undefined for a plain letter or mark: as an accelerator it would be taken from every text field. */
export function toAccelerator(key: string | undefined): string | undefined {
  if (key === undefined) return undefined
  const parts = key.split('+')
  const isFunctionKey = /^F\d{1,2}$/.test(parts.at(-1) ?? '')
  if (parts.length === 1 && !isFunctionKey) return undefined
  return parts.map((part) => NAMES[part] ?? part).join('+')
}
