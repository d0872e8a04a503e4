// Which of the two themes the page wears. 'system' follows the machine in front of the person, live.

import type { Settings } from '../../bridge/model'
import type { ThemeName } from './palette'

const KEY = 'platter.theme'

/** Sets data-theme on the root element; the last choice is kept, so that a start does not flash. */
export class Theme {
  readonly #page: Window
  readonly #prefersLight: MediaQueryList
  #choice: Settings['theme']

  constructor(page: Window) {
    this.#page = page
    this.#prefersLight = page.matchMedia('(prefers-color-scheme: light)')
    this.#choice = asChoice(page.localStorage.getItem(KEY))
    this.#prefersLight.addEventListener('change', () => this.#apply())
    this.#apply()
  }

  choose(choice: Settings['theme']): void {
    this.#choice = choice
    this.#page.localStorage.setItem(KEY, choice)
    this.#apply()
  }

  #apply(): void {
    const { dataset } = this.#page.document.documentElement
    dataset['theme'] = resolveTheme(this.#choice, this.#prefersLight.matches)
  }
}

export const resolveTheme = (choice: Settings['theme'], prefersLight: boolean): ThemeName =>
  choice === 'system' ? (prefersLight ? 'light' : 'dark') : choice

const asChoice = (text: string | null): Settings['theme'] =>
  text === 'light' || text === 'dark' ? text : 'system'
