// `npm test`: everything there is, in the order in which a fault is cheapest to see, and one sum over
// all runners at the end. A step that fails does not keep the later ones from running, except that the
// end-to-end tests need a build. Skipped tests are counted; with CI or PLATTER_REQUIRE=all they fail.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { providePackages } from './debian-packages.mjs'

const root = join(import.meta.dirname, '..')
const out = join(root, 'test-results')
const bin = (name) => join(root, 'node_modules', '.bin', name)
const strict = Boolean(process.env.CI) || process.env.PLATTER_REQUIRE === 'all'
const env = { ...process.env, ...(strict ? { PLATTER_REQUIRE: 'all' } : {}) }
const rows = []
/** As much of a failure's message and stack as is repeated at the end. */
const MESSAGE_LINES = 12

function run(command, args, extraEnv = {}) {
  const result = spawnSync(command, args, {
    cwd: root,
    env: { ...env, ...extraEnv },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  return result.status === 0
}

/** A step without tests of its own counts as one. */
function step(name, command, ...args) {
  console.log(`\n── ${name}`)
  const passed = run(command, args)
  rows.push({ name, passed: passed ? 1 : 0, failed: passed ? 0 : 1, skipped: 0, failures: [] })
  return passed
}

function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
}

/** At least one failure whenever the runner said so, whatever its report counts. */
function record(name, exitedWell, counts) {
  const { passed = 0, failed = 0, skipped = 0, failures = [] } = counts ?? {}
  const silent = (!exitedWell || counts === undefined || passed + failed === 0) && failed === 0
  rows.push({ name, passed, failed: silent ? 1 : failed, skipped, failures })
}

function vitest(name, project) {
  console.log(`\n── ${name}`)
  const file = join(out, `${project}.json`)
  const exitedWell = run(
    bin('vitest'),
    ['run', '--project', project, '--reporter=default', '--reporter=./scripts/vitest-report.mjs'],
    { PLATTER_TEST_REPORT: file },
  )
  record(name, exitedWell, readJson(file))
}

function playwright(name) {
  console.log(`\n── ${name}`)
  const file = join(out, 'e2e.json')
  const exitedWell = run(bin('playwright'), ['test', '--reporter=list,json'], {
    PLAYWRIGHT_JSON_OUTPUT_NAME: file,
  })
  const found = readJson(file)
  record(
    name,
    exitedWell,
    found && {
      passed: found.stats.expected,
      // A test that passes only when tried again has failed.
      failed: found.stats.unexpected + found.stats.flaky,
      skipped: found.stats.skipped,
      failures: found.suites.flatMap(failedSpecs),
    },
  )
}

/** The specs below a suite of Playwright's report that did not pass, with the first thing that each said. */
function failedSpecs(suite) {
  const own = (suite.specs ?? [])
    .filter((spec) => !spec.ok)
    .flatMap((spec) =>
      spec.tests.map((test) => ({
        name: `[${test.projectName}] ${spec.file}:${spec.line} > ${spec.title}`,
        message: test.results.flatMap((result) => result.errors ?? [])[0]?.message ?? '',
      })),
    )
  return [...own, ...(suite.suites ?? []).flatMap(failedSpecs)]
}

/** Said once more at the end, because the output above is long and often cut. */
function repeatFailures() {
  for (const { name, failures } of rows) {
    for (const failure of failures) {
      console.log(`\n── failed in ${name}: ${failure.name}`)
      console.log(failure.message.trim().split('\n').slice(0, MESSAGE_LINES).join('\n'))
    }
  }
}

function report(missing) {
  const sum = (key) => rows.reduce((total, row) => total + row[key], 0)
  const skipped = sum('skipped')
  const failed = sum('failed') + (strict ? skipped : 0)
  repeatFailures()
  console.log('\n── sums')
  const width = Math.max(...rows.map((row) => row.name.length))
  for (const row of rows) {
    const counts = ['passed', 'failed', 'skipped'].map(
      (key) => `${String(row[key]).padStart(5)} ${key}`,
    )
    console.log(`${row.name.padEnd(width)} ${counts.join('')}`)
  }
  if (missing.length > 0) console.log(`not installed here: ${missing.join(' ')}`)
  if (skipped > 0) {
    console.log(
      `${skipped} skipped${strict ? ', which counts as failed here' : ': install the above to run them'}`,
    )
  }
  const line = `${sum('passed')} passed, ${failed} failed`
  writeFileSync(join(out, 'summary.txt'), `${line}\n`)
  console.log(line)
  return failed === 0
}

rmSync(out, { recursive: true, force: true })
mkdirSync(out, { recursive: true })
const missing = providePackages()
step('types: pure rooms', bin('tsc'), '-p', 'tsconfig.pure.json')
step('types: node rooms', bin('tsc'), '-p', 'tsconfig.node.json')
step('types: page', bin('tsc'), '-p', 'tsconfig.web.json')
step('lint', bin('biome'), 'check', '.')
const built = step('build', bin('electron-vite'), 'build', '--logLevel', 'warn')
vitest('unit', 'unit')
vitest('interop with peers', 'interop')
if (built) playwright('end to end')
process.exitCode = report(missing) ? 0 : 1
