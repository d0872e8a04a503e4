// The native dialogs, each with its words. They belong to the window that is open.

import { dirname } from 'node:path'
import { type BrowserWindow, dialog, type MessageBoxOptions } from 'electron'
import { toPlainError } from '../engine/base/errors'
import type { SaveFileDialog } from '../workspace/host-services'
import {
  connectQuestion,
  type QuitAnswer,
  quitQuestion,
  reloadQuestion,
  runningQuestion,
  type WhatWouldBeLost,
} from './questions'

export interface DialogContext {
  readonly window: () => BrowserWindow | undefined
  /** Where the last image was opened from, for the first dialog of a run. */
  readonly lastFolder: () => string | undefined
}

const IMAGE_FILTERS = [
  { name: 'All files', extensions: ['*'] },
  { name: 'Disk images', extensions: ['img', 'raw', 'qcow2', 'addcow', 'iso', 'bin'] },
]

export class Dialogs {
  readonly #context: DialogContext
  #folder: string | undefined

  constructor(context: DialogContext) {
    this.#context = context
  }

  async openImage(signal: AbortSignal): Promise<string | undefined> {
    const folder = this.#folder ?? this.#context.lastFolder()
    const options = {
      title: 'Open a disk image',
      buttonLabel: 'Open',
      properties: ['openFile' as const],
      filters: IMAGE_FILTERS,
      ...(folder === undefined ? {} : { defaultPath: folder }),
    }
    const window = this.#context.window()
    const { canceled, filePaths } =
      window === undefined
        ? await dialog.showOpenDialog(options)
        : await dialog.showOpenDialog(window, options)
    const path = filePaths[0]
    if (canceled || path === undefined || signal.aborted) return undefined
    this.#folder = dirname(path)
    return path
  }

  async saveFile(
    { title, path }: SaveFileDialog,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const options = {
      title,
      defaultPath: path,
      properties: ['createDirectory' as const, 'showOverwriteConfirmation' as const],
    }
    const window = this.#context.window()
    const { canceled, filePath } =
      window === undefined
        ? await dialog.showSaveDialog(options)
        : await dialog.showSaveDialog(window, options)
    return canceled || filePath === '' || signal.aborted ? undefined : filePath
  }

  async confirmConnect(uri: string): Promise<boolean> {
    return (await this.#ask(connectQuestion(uri))) === 1
  }

  async confirmReload(reason: string): Promise<boolean> {
    return (await this.#ask(reloadQuestion(reason))) === 0
  }

  async confirmQuit(lost: WhatWouldBeLost): Promise<QuitAnswer> {
    const { options, answers } = quitQuestion(lost)
    return answers[await this.#ask(options)] ?? 'stay'
  }

  async confirmStop(titles: readonly string[]): Promise<QuitAnswer> {
    const { options, answers } = runningQuestion(titles)
    return answers[await this.#ask(options)] ?? 'stay'
  }

  async showFailure(what: string, error: unknown): Promise<void> {
    await this.#ask({ type: 'error', message: what, detail: toPlainError(error).message })
  }

  async #ask(options: MessageBoxOptions): Promise<number> {
    const window = this.#context.window()
    const { response } =
      window === undefined
        ? await dialog.showMessageBox(options)
        : await dialog.showMessageBox(window, options)
    return response
  }
}
