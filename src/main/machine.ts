import { type BrowserWindow, powerSaveBlocker } from 'electron'
import type { Machine } from './running-work'

/** The machine as Electron reaches it. */
export function electronMachine(window: () => BrowserWindow | undefined): Machine {
  let blocker: number | undefined
  return {
    showProgress: (fraction) => window()?.setProgressBar(fraction),
    stayAwake(awake) {
      if (awake) blocker ??= powerSaveBlocker.start('prevent-app-suspension')
      else if (blocker !== undefined) {
        powerSaveBlocker.stop(blocker)
        blocker = undefined
      }
    },
  }
}
