// What every journey starts from: a directory of its own, and Platter running in the host of its project.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Browser,
  test as base,
  expect,
  type Page,
  type PlaywrightWorkerArgs,
} from '@playwright/test'
import { type HostKind, launchInBrowser, launchOnDesktop, type RunningHost } from './hosts'
import { Peers } from './peers'
import { PlatterApp } from './platter-app'

export interface HostOptions {
  readonly host: HostKind
}

export interface Launch {
  /** Opens these, by path or URI, from the command line. */
  readonly images?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** The journey makes the page complain, so its console is not held against it. */
  readonly mayComplain?: boolean
}

interface TestFixtures extends HostOptions {
  /** An empty directory that goes away after the test. */
  readonly dir: string
  /** Servers and programs beside Platter; what it started is ended after the test. */
  readonly peers: Peers
  /** Starts Platter; it is ended after the test. */
  readonly launch: (launch?: Launch) => Promise<PlatterApp>
}

interface WorkerFixtures {
  readonly browserOfWorker: () => Promise<Browser>
}

export const test = base.extend<TestFixtures, WorkerFixtures>({
  host: ['browser', { option: true }],

  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads here which fixtures are needed
  dir: async ({}, use) => {
    const dir = await mkdtemp(join(tmpdir(), 'platter-e2e-'))
    await use(dir)
    await rm(dir, { recursive: true, force: true })
  },

  peers: async ({ dir }, use) => {
    const peers = new Peers(dir)
    await use(peers)
    await peers.close()
  },

  // The desktop brings its own browser, so this one starts when it is first asked for.
  browserOfWorker: [
    async ({ playwright }, use) => {
      let started: Promise<Browser> | undefined
      await use(() => {
        started ??= startChromium(playwright)
        return started
      })
      await (await started)?.close()
    },
    { scope: 'worker' },
  ],

  launch: async ({ host, dir, browserOfWorker }, use, info) => {
    const running: RunningHost[] = []
    const quiet: Page[] = []
    await use(async ({ images = [], env = {}, mayComplain = false } = {}) => {
      const options = { images, env, configDir: join(dir, `config-${running.length}`) }
      const started =
        host === 'desktop'
          ? await launchOnDesktop(options)
          : await launchInBrowser(await browserOfWorker(), options)
      running.push(started)
      if (!mayComplain) quiet.push(started.page)
      const app = new PlatterApp(started, host)
      await app.prepare()
      return app
    })
    const failed = info.status !== info.expectedStatus
    const complaints = failed ? [] : await Promise.all(quiet.map(complaintsOf))
    for (const each of running) {
      if (failed) await keepEvidence(each, info)
      await each.close()
    }
    expect(complaints.flat(), 'errors in the console of the page').toEqual([])
  },
})

/** What the page's console holds of errors: exceptions, and what its policy has refused. */
async function complaintsOf(page: Page): Promise<string[]> {
  if (page.isClosed()) return []
  const messages = await page.consoleMessages()
  const errors = await page.pageErrors()
  return [
    ...messages.filter((each) => each.type() === 'error').map((each) => each.text()),
    ...errors.map((each) => each.message),
  ]
}

type TestInfo = ReturnType<typeof test.info>

async function keepEvidence({ output, page }: RunningHost, info: TestInfo): Promise<void> {
  await info.attach('output of the host', { body: output(), contentType: 'text/plain' })
  if (page.isClosed()) return
  await info.attach('page', { body: await page.screenshot(), contentType: 'image/png' })
}

function startChromium(playwright: PlaywrightWorkerArgs['playwright']): Promise<Browser> {
  return playwright.chromium.launch({
    executablePath: process.env['PLATTER_CHROMIUM'] ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}

export { expect }
