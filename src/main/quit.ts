// Nothing staged is lost by closing a window: the way out leads through one question, and through the
// workspace's own end. What is staged in a temporary overlay does not survive quitting.

import { app } from 'electron'
import type { Workspace } from '../workspace/workspace'
import type { Dialogs } from './dialogs'
import type { QuitAnswer } from './questions'

/** Time to stop exports and close images; a server that hangs must not keep the application alive. */
const CLOSE_LIMIT_MS = 10_000

export class Quit {
  readonly #workspace: Workspace
  readonly #dialogs: Dialogs
  #state: 'running' | 'asking' | 'leaving' = 'running'

  constructor(workspace: Workspace, dialogs: Dialogs) {
    this.#workspace = workspace
    this.#dialogs = dialogs
    app.on('before-quit', (event) => {
      if (this.leaving) return
      event.preventDefault()
      if (this.#state !== 'running') return
      this.#ask().catch((error: unknown) => {
        console.error(error)
        this.#state = 'running'
      })
    })
  }

  /** True once nothing may hold the application back any more. */
  get leaving(): boolean {
    return this.#state === 'leaving'
  }

  async #ask(): Promise<void> {
    this.#state = 'asking'
    const answer = await this.#answer()
    if (answer !== 'discard') {
      this.#state = 'running'
      if (answer === 'review') this.#workspace.hub.emit('action.run', { action: 'session.commit' })
      return
    }
    await this.#closeWorkspace()
    this.#state = 'leaving'
    app.quit()
  }

  async #answer(): Promise<QuitAnswer> {
    const staged = this.#workspace.stagedSummary()
    const jobs = this.#workspace.jobs.list().filter((job) => job.state === 'running')
    const running = jobs.filter((job) => job.kind !== 'survey' && job.kind !== 'compare')
    if (staged.bytes === 0) {
      if (running.length === 0) return 'discard'
      return await this.#dialogs.confirmStop(running.map((job) => job.title))
    }
    const committing = running.some((job) => job.kind === 'commit')
    return await this.#dialogs.confirmQuit({ ...staged, committing })
  }

  async #closeWorkspace(): Promise<void> {
    const callOff = this.#workspace.clock.after(CLOSE_LIMIT_MS, () => {
      console.error(`the workspace did not close within ${CLOSE_LIMIT_MS} ms`)
      app.exit(1)
    })
    await this.#workspace.close().catch((error: unknown) => console.error(error))
    callOff()
  }
}
