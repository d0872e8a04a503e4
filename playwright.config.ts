import { defineConfig } from '@playwright/test'
import type { HostOptions } from './e2e/fixtures'

// One set of journeys, two hosts. What only a desktop has stands in *.desktop.spec.ts.
export default defineConfig<HostOptions>({
  testDir: 'e2e',
  testMatch: '**/*.spec.ts',
  outputDir: 'test-results/e2e',
  forbidOnly: Boolean(process.env['CI']),
  fullyParallel: true,
  workers: 2,
  retries: 0,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  reporter: [['list']],
  use: {
    actionTimeout: 10_000,
    screenshot: 'only-on-failure',
    trace: 'retain-on-failure',
    video: 'off',
  },
  projects: [
    { name: 'browser', use: { host: 'browser' }, testIgnore: '**/*.desktop.spec.ts' },
    { name: 'desktop', use: { host: 'desktop' } },
  ],
})
