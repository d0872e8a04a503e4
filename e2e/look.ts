// Looks at what is on the screen in both sizes that dialogs have to fit: a picture for people, and what can
// be checked without looking: nothing sticks out, and axe knows no fault.

import AxeBuilder from '@axe-core/playwright'
import { expect } from '@playwright/test'
import type { PlatterApp } from './platter-app'

const SIZES = [
  [1280, 800],
  [900, 600],
] as const

export async function look(app: PlatterApp, name: string, theme: 'light' | 'dark'): Promise<void> {
  for (const [width, height] of SIZES) {
    await app.screenshot(`${app.kind}-${name}`, theme, width, height)
    await fits(app)
  }
  expect.soft(await violations(app), name).toEqual([])
}

async function fits({ page }: PlatterApp): Promise<void> {
  const over = await page.evaluate<number>(`
    Math.max(...[...document.querySelectorAll('.dialog, .dialog-foot, .dialog-body')]
      .map((each) => Math.max(each.scrollWidth - each.clientWidth,
        each.getBoundingClientRect().right - innerWidth,
        each.getBoundingClientRect().bottom - innerHeight)))`)
  expect(over, 'pixels that stick out').toBeLessThanOrEqual(2)
}

async function violations({ page }: PlatterApp): Promise<string[]> {
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']
  const { violations: found } = await new AxeBuilder({ page })
    .withTags(tags)
    .setLegacyMode()
    .analyze()
  return found.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')}: ${failureSummary}`),
  )
}
