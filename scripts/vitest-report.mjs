// A vitest reporter that writes one JSON file for scripts/test.mjs: how many tests passed, failed and were
// skipped, and what every failure said. What fails outside a test counts as a failure too: a file that
// cannot be loaded, a hook of a suite, a rejection that nobody heard.
import { writeFileSync } from 'node:fs'
import { relative } from 'node:path'

export default class Report {
  onTestRunEnd(modules, unhandled) {
    const file = process.env.PLATTER_TEST_REPORT
    if (!file) throw new Error('PLATTER_TEST_REPORT does not say where to write the report')
    const failures = unhandled.map((error) => describe('outside of any test', [error]))
    let passed = 0
    let skipped = 0
    for (const module of modules) {
      const path = relative(process.cwd(), module.moduleId)
      for (const place of [module, ...module.children.allSuites()]) {
        const name = place === module ? path : `${path} > ${place.fullName}`
        if (place.errors().length > 0) failures.push(describe(name, place.errors()))
      }
      for (const test of module.children.allTests()) {
        const { state, errors } = test.result()
        if (state === 'passed') passed++
        else if (state === 'failed') failures.push(describe(`${path} > ${test.fullName}`, errors))
        else skipped++
      }
    }
    writeFileSync(file, JSON.stringify({ passed, failed: failures.length, skipped, failures }))
  }
}

function describe(name, errors) {
  return { name, message: errors.map((error) => error.stack ?? error.message).join('\n') }
}
