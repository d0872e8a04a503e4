// `npm run bench [-- name…]`: each bench runs Platter and a peer in turn on the same data, and prints
// the median of the ratios pair by pair. A ratio holds when the machine's speed drifts; a time does not.
// Benches never fail a build: they print what is.
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const root = join(import.meta.dirname, '..')
const dir = join(root, 'bench')
const wanted = process.argv.slice(2)
const RUN_TIMEOUT_MS = 60_000
const PAIRS = Number(process.env.PLATTER_BENCH_PAIRS ?? 7)

const median = (values) => [...values].sort((a, b) => a - b)[values.length >>> 1]
const seconds = (time) => {
  if (time >= 1) return `${time.toFixed(2)} s`
  return time >= 0.001 ? `${(time * 1000).toFixed(0)} ms` : `${(time * 1e6).toFixed(0)} µs`
}

/** Runs both in turn, once unmeasured; `ours` and `peer` resolve to seconds. */
async function pair(title, { ours, peer, peerName, bar }) {
  await ours()
  await peer()
  const times = []
  for (let i = 0; i < PAIRS; i++) times.push([await ours(), await peer()])
  const ratio = median(times.map(([a, b]) => b / a))
  const [a, b] = [median(times.map(([x]) => x)), median(times.map(([, y]) => y))]
  const judged = bar === undefined ? '' : `  bar ${bar}${ratio >= bar ? '' : '  NOT MET'}`
  console.log(
    `${title.padEnd(46)} platter ${seconds(a).padStart(8)}  ${peerName} ${seconds(b).padStart(8)}  ` +
      `×${ratio.toFixed(2)}${judged}`,
  )
  return ratio
}

/** Seconds that a command took; its output is read and dropped. */
function timed(command, args, options = {}) {
  const start = process.hrtime.bigint()
  const result = spawnSync(command, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: RUN_TIMEOUT_MS,
    ...options,
  })
  const took = Number(process.hrtime.bigint() - start) / 1e9
  if (result.status !== 0) {
    throw new Error(`${command} ${args.join(' ')}: ${result.stderr?.toString() ?? result.error}`)
  }
  return took
}

const benches = readdirSync(dir)
  .filter((name) => name.endsWith('.bench.mjs'))
  .map((name) => name.replace('.bench.mjs', ''))
for (const name of wanted.filter((name) => !benches.includes(name))) {
  console.error(`there is no bench '${name}': the benches are ${benches.join(', ')}`)
  process.exit(2)
}
for (const name of benches.filter((name) => wanted.length === 0 || wanted.includes(name))) {
  const { run } = await import(pathToFileURL(join(dir, `${name}.bench.mjs`)).href)
  const temporary = await mkdtemp(join(tmpdir(), 'platter-bench-'))
  console.log(`\n── ${name} (median of ${PAIRS} pairs; ×2 is twice as fast as the peer)`)
  try {
    await run({ root, temporary, pair, timed, platter: join(root, 'bin', 'platter.mjs') })
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
}
