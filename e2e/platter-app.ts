// Platter as a person sees it. The only place that knows how the page is built: journeys speak of the
// legend, the staged list and the bytes, never of selectors.

import { join } from 'node:path'
import { expect, type Locator, type Page } from '@playwright/test'
import type { HostKind, RunningHost } from './hosts'

export type SideTab = 'Inspector' | 'Staged' | 'Extents' | 'Serve' | 'Activity'

export interface StagedRow {
  /** As the list writes them: `0x800000`, `64 KiB`. */
  readonly offset: string
  readonly length: string
  readonly state: string
  readonly by: string
}

export interface RequestLine {
  /** As the list writes them: `WRITE`, `0x800000`, `64 KiB`. */
  readonly command: string
  readonly offset: string
  readonly length: string
  /** Empty when it went well, else `EINVAL`. */
  readonly failure: string
}

export interface ClassTotals {
  readonly data: number
  readonly zero: number
  readonly hole: number
  readonly unknown: number
  readonly written: number
  readonly zeroed: number
}

/** A commit may read back what it wrote. */
const COMMIT_LIMIT_MS = 30_000
const ROOT = join(import.meta.dirname, '..')

export class PlatterApp {
  readonly page: Page
  readonly host: RunningHost
  readonly kind: HostKind

  constructor(host: RunningHost, kind: HostKind) {
    this.host = host
    this.page = host.page
    this.kind = kind
  }

  /** The same size and no animations in both hosts. */
  async prepare(): Promise<void> {
    await this.page.emulateMedia({ reducedMotion: 'reduce' })
    await this.page.setViewportSize({ width: 1360, height: 860 })
    await this.idle()
  }

  /** Waits until the page waits for nothing: no request, no frame, no job. */
  async idle(): Promise<void> {
    const ask = () => this.page.evaluate<string[]>('window.platterIdle?.() ?? ["starting"]')
    const busy = () => ask().catch((error: Error) => [error.message])
    await expect.poll(busy, 'what the page is busy with').toEqual([])
  }

  // --- opening

  /** Open image… with a path: through the page's dialog, or the native one, which answers with it. */
  async openPath(path: string): Promise<void> {
    if (this.host.app !== undefined) {
      await this.host.app.evaluate(({ dialog }, picked) => {
        dialog.showOpenDialog = async () => ({ canceled: false, filePaths: [picked] })
      }, path)
      await this.press('Control+O')
      return
    }
    await this.press('Control+O')
    const dialog = this.dialog('Open image')
    await dialog.getByLabel('Path on the host').fill(path)
    await dialog.getByRole('button', { name: 'Open', exact: true }).click()
  }

  /** Asks a server for its exports; the dialog stays open. */
  async listExports(uri: string): Promise<Locator> {
    await this.press('Control+Shift+O')
    const dialog = this.dialog('Open NBD')
    await dialog.getByLabel('URI').fill(uri)
    await dialog.getByRole('button', { name: 'List exports' }).click()
    return dialog
  }

  /** The names in the tabs, the one in front marked. */
  tab(name: string): Locator {
    return this.page
      .getByRole('navigation', { name: 'Open images' })
      .getByText(name, { exact: true })
  }

  // --- looking

  /** Exact bytes of every class, as the legend has them. */
  async legend(): Promise<ClassTotals> {
    const rows = this.page.locator('.legend-row')
    const pairs = await rows.evaluateAll((elements) =>
      elements.map((row) => [
        row.getAttribute('data-class'),
        Number(row.getAttribute('data-bytes')),
      ]),
    )
    return Object.fromEntries(pairs) as ClassTotals
  }

  /** Waits until the legend says this: it follows a change within a frame or two. */
  async expectLegend(expected: Partial<ClassTotals>): Promise<void> {
    await expect.poll(() => this.legend(), 'the legend').toMatchObject(expected)
  }

  /** Waits until the staged list has these rows, or these fields of rows. */
  async expectStaged(
    expected: readonly Partial<Record<keyof StagedRow, unknown>>[],
  ): Promise<void> {
    const rows = () => this.stagedRows()
    await expect
      .poll(rows, 'the staged list')
      .toEqual(expected.map((row) => expect.objectContaining(row)))
  }

  /** What a screen reader says of the map's cell under the cursor. */
  async cellAtCursor(): Promise<string> {
    await this.idle()
    const grid = this.map()
    const id = await grid.getAttribute('aria-activedescendant')
    return (await this.page.locator(`[id="${id}"]`).textContent()) ?? ''
  }

  map(): Locator {
    return this.page.getByRole('grid', { name: /^Cells of/ })
  }

  bytes(): Locator {
    return this.page.getByRole('region', { name: 'Bytes', exact: true })
  }

  /** Where the cursor is, from the status bar. */
  async cursorOffset(): Promise<number> {
    const text = await this.page.getByTitle('Offset of the cursor').locator('b').textContent()
    return Number(text)
  }

  // --- moving and typing

  press(keys: string): Promise<void> {
    return this.page.keyboard.press(keys)
  }

  async focusMap(): Promise<void> {
    await this.press('Alt+M')
    await expect(this.map()).toBeFocused()
  }

  async focusBytes(): Promise<void> {
    await this.press('Alt+B')
    await expect(this.bytes().locator(':focus')).toBeVisible()
  }

  /** To a place in the words of the dialog; the bytes have the focus then. */
  async goTo(place: string): Promise<void> {
    await this.press('Control+G')
    const dialog = this.dialog('Go to offset')
    await dialog.getByLabel('Offset').fill(place)
    await this.press('Enter')
    await expect(dialog).toBeHidden()
    await expect(this.bytes().locator(':focus')).toBeVisible()
    await this.idle()
  }

  /** Types hexadecimal digits where the cursor is; every byte is staged. */
  async typeHex(digits: string): Promise<void> {
    await this.page.keyboard.type(digits)
    await this.idle()
  }

  // --- staging

  async showTab(name: SideTab): Promise<void> {
    await this.page.getByRole('tab', { name }).click()
    await this.idle()
  }

  async stagedRows(): Promise<StagedRow[]> {
    await this.showTab('Staged')
    const grid = this.page.getByRole('grid', { name: 'Staged changes' })
    const [titles = [], ...rows] = await grid
      .getByRole('row')
      .evaluateAll((elements) =>
        elements.map((row) => [...row.children].map((cell) => cell.textContent ?? '')),
      )
    // The first column is the mark of the state, and has no title.
    return rows.map((cells) => {
      const under = (title: string) => cells[titles.indexOf(title)] ?? ''
      return {
        offset: under('Offset'),
        length: under('Length'),
        state: cells[0] ?? '',
        by: under('By'),
      }
    })
  }

  /** Lets go of one run of the staged list. */
  async discardRun(offset: string): Promise<void> {
    await this.showTab('Staged')
    const rows = this.page.getByRole('grid', { name: 'Staged changes' })
    await rows.getByRole('row').filter({ hasText: offset }).click()
    await rows.getByRole('button', { name: `Discard ${offset}` }).click()
    await this.idle()
  }

  /** Opens the review. */
  async reviewCommit(): Promise<Locator> {
    await this.page.getByRole('button', { name: 'Commit…' }).click()
    const dialog = this.dialog('Commit')
    await this.idle()
    return dialog
  }

  /** From the review to the end; resolves to the sentence about how it went. */
  async commit(): Promise<string> {
    const review = await this.reviewCommit()
    await review.getByRole('button', { name: /^Write / }).click()
    const done = this.dialog('Committed')
    await expect(done).toBeVisible({ timeout: COMMIT_LIMIT_MS })
    const summary = (await done.getByRole('status').textContent()) ?? ''
    await done.getByRole('button', { name: 'Close' }).last().click()
    await expect(done).toBeHidden()
    await this.idle()
    return summary
  }

  // --- serving

  /** Serves the image in front with what stands in the form; resolves to the form's dialog. */
  async openServe(): Promise<Locator> {
    await this.page.getByRole('button', { name: 'Serve', exact: true }).click()
    return this.page.getByRole('dialog', { name: /^Serve .* over NBD$/ })
  }

  /** Serves over a private Unix socket; resolves to the URI that is shown. */
  async serve(): Promise<string> {
    const dialog = await this.openServe()
    await dialog.getByRole('button', { name: 'Start serving' }).click()
    await expect(dialog).toBeHidden()
    await this.idle()
    return await this.servedUri()
  }

  /** Ends the one export there is, when the last client has left it: before that there is a question. */
  async stopServing(): Promise<void> {
    await expect(this.page.getByText('No client is connected.')).toBeVisible()
    await this.page.getByRole('button', { name: 'Stop', exact: true }).click()
    await expect(this.page.getByText('Nothing is served.')).toBeVisible()
    await this.idle()
  }

  /** The URI of the first export that is shown. */
  async servedUri(): Promise<string> {
    return (await this.page.locator('.export-uri code').first().textContent()) ?? ''
  }

  /** What clients ask for. */
  async showRequests(): Promise<void> {
    await this.press('Alt+6')
    await expect(this.page.getByRole('grid', { name: 'Requests' })).toBeVisible()
    await this.idle()
  }

  /** The rows in sight, the newest first. */
  async requestRows(): Promise<RequestLine[]> {
    const grid = this.page.getByRole('grid', { name: 'Requests' })
    const [titles = [], ...rows] = await grid
      .getByRole('row')
      .evaluateAll((elements) =>
        elements.map((row) => [...row.children].map((cell) => cell.textContent ?? '')),
      )
    return rows.map((cells) => {
      const under = (title: string) => cells[titles.indexOf(title)] ?? ''
      return {
        command: under('Command'),
        offset: under('Offset'),
        length: under('Length'),
        failure: under('Failed'),
      }
    })
  }

  requestRow(command: string, offset: string): Locator {
    const rows = this.page.getByRole('grid', { name: 'Requests' }).getByRole('row')
    return rows.filter({ hasText: command }).filter({ hasText: offset }).first()
  }

  // --- what the page says

  dialog(name: string): Locator {
    return this.page.getByRole('dialog', { name, exact: true })
  }

  /** A notice in the corner, or a sentence at the place of an action, whichever comes. */
  message(text: string | RegExp): Locator {
    const corner = this.page.locator('.toast').filter({ hasText: text })
    const inPlace = this.page.getByRole('alert').filter({ hasText: text })
    return corner.or(inPlace).first()
  }

  // --- pictures

  /** Saved with the test's results, or in docs/screenshots with PLATTER_SCREENSHOTS=docs. */
  async screenshot(
    name: string,
    theme: 'light' | 'dark',
    width = 1360,
    height = 860,
  ): Promise<void> {
    await this.page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' })
    await this.page.setViewportSize({ width, height })
    await this.idle()
    const dir =
      process.env['PLATTER_SCREENSHOTS'] === 'docs'
        ? 'docs/screenshots'
        : 'test-results/screenshots'
    const file = `${name}-${theme}${width === 1360 ? '' : `-${width}`}.png`
    await this.page.screenshot({ path: join(ROOT, dir, file) })
  }
}
