// How fast is a copy? File to file, dense and sparse, and from an NBD server to a file and to nowhere, as
// whole processes beside `nbdcopy` and `qemu-img convert`. Each makes its file anew; what was there is
// removed outside the time. Memory is the most that each process held.
import { spawn, spawnSync } from 'node:child_process'
import { randomFillSync } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

const MIB = 1024 * 1024
const SIZE = Number(process.env.PLATTER_BENCH_MIB ?? 1024) * MIB
const PIECE = 4 * MIB

export async function run({ temporary, pair, timed, platter }) {
  const at = (name) => join(temporary, name)
  await makeFile(at('dense'), 1)
  // A quarter of four times as much is data: the same number of bytes to carry, and holes between them.
  await makeFile(at('sparse'), 4)
  const fresh = (run) => async () => {
    rmSync(at('out'), { force: true })
    return run()
  }
  const ours = (from, to, ...options) =>
    fresh(() => timed(process.execPath, [platter, 'copy', from, to, ...options]))
  const nbdcopy = (from, to, ...options) => fresh(() => timed('nbdcopy', [...options, from, to]))
  const convert = (from, to) =>
    fresh(() =>
      timed('qemu-img', ['convert', '-t', 'writeback', '-f', 'raw', '-O', 'raw', from, to]),
    )
  const compare = (title, mine, peer, peerName) =>
    pair(title, { ours: mine, peer, peerName, bar: 1 })

  for (const name of ['dense', 'sparse']) {
    const flushed = ours(at(name), at('out'))
    await compare(
      `file to file, ${name}`,
      flushed,
      nbdcopy(at(name), at('out'), '--flush'),
      'nbdcopy',
    )
    await compare(`file to file, ${name}`, flushed, convert(at(name), at('out')), 'qemu-img')
    const unflushed = ours(at(name), at('out'), '--no-flush')
    await compare(`${name}, not flushed`, unflushed, nbdcopy(at(name), at('out')), 'nbdcopy')
  }
  for (const name of ['dense', 'sparse']) {
    await withServer(at(`${name}.sock`), ['file', at(name)], async (uri) => {
      const peer = nbdcopy(uri, at('out'), '--flush')
      await compare(`NBD to file, ${name}`, ours(uri, at('out')), peer, 'nbdcopy')
      await compare(`NBD to null:, ${name}`, ours(uri, 'null:'), nbdcopy(uri, 'null:'), 'nbdcopy')
    })
  }
  const out = [at('dense'), at('out')]
  rmSync(at('out'), { force: true })
  peak('platter', process.execPath, [platter, 'copy', ...out])
  peak('nbdcopy', 'nbdcopy', out)
  peak('qemu-img', 'qemu-img', ['convert', '-f', 'raw', '-O', 'raw', ...out])
}

/** Noise in one of so many pieces, holes between. */
async function makeFile(path, spread) {
  const file = await open(path, 'w')
  await file.truncate(SIZE * spread)
  const piece = randomFillSync(Buffer.alloc(PIECE))
  for (let at = 0; at < SIZE * spread; at += PIECE * spread) {
    await file.write(piece, 0, PIECE, at)
  }
  await file.sync()
  await file.close()
}

function peak(name, command, args) {
  const { stderr, status } = spawnSync('/usr/bin/time', ['-f', '%M', command, ...args])
  if (status !== 0) throw new Error(`${command}: ${stderr}`)
  const kib = Number(stderr.toString().trim().split('\n').at(-1))
  console.log(`${name.padEnd(46)} peak memory ${Math.round(kib / 1024)} MiB, file to file, dense`)
}

async function withServer(socket, args, use) {
  const server = spawn('nbdkit', ['-f', '-r', '-U', socket, ...args], { stdio: 'inherit' })
  while (!existsSync(socket)) await pause(5)
  try {
    await use(`nbd+unix:///?socket=${socket}`)
  } finally {
    const ended = once(server, 'exit')
    server.kill('SIGTERM')
    await ended
  }
}
