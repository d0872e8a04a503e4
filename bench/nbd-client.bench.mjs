// How fast is our client? A disk in a server's memory, and one that the server makes up, read from end to
// end and thrown away, beside `nbdcopy --no-extents URI null:` (holes are not skipped) on the same server.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { rolldown } from 'rolldown'

/** Large enough that the start of a process, a tenth of a second for Node's, is not what is measured. */
const SIZE = process.env.PLATTER_BENCH_CLIENT_SIZE ?? '8G'

/**
 * The command, and the bare client. Bytes a request, requests in flight, connections, buffers; nbdcopy:
 * 256 KiB, 64 in flight on each of up to 4 connections, as many threads as processors.
 */
const SHAPES = [
  ['256 KiB, 64 in flight, one buffer', 262144, 64, 1, 'one'],
  ['256 KiB, 64 in flight, a buffer each', 262144, 64, 1, 'each'],
]

export async function run({ root, temporary, pair, timed, platter }) {
  const client = await bundle(root)
  for (const plugin of ['memory', 'pattern']) {
    const socket = join(temporary, plugin)
    const server = spawn('nbdkit', ['-f', '-U', socket, plugin, SIZE], { stdio: 'inherit' })
    while (!existsSync(socket)) await pause(5)
    const uri = `nbd+unix:///?socket=${socket}`
    try {
      const nbdcopy = async () => timed('nbdcopy', ['--no-extents', uri, 'null:'])
      await pair(`${plugin}: platter copy URI null:`, {
        ours: async () => timed(process.execPath, [platter, 'copy', '--no-extents', uri, 'null:']),
        peer: nbdcopy,
        peerName: 'nbdcopy',
        bar: 1,
      })
      for (const [title, ...shape] of SHAPES) {
        await pair(`${plugin}: ${title}`, {
          ours: async () => timed(process.execPath, [client, uri, ...shape.map(String)]),
          peer: nbdcopy,
          peerName: 'nbdcopy',
          bar: 1,
        })
      }
    } finally {
      const ended = once(server, 'exit')
      server.kill('SIGTERM')
      await ended
    }
  }
}

/** The client as one file of JavaScript, inside the project: koffi is found from there. */
export async function bundle(root) {
  const file = join(root, 'out', 'bench', 'nbd-client.mjs')
  const made = await rolldown({
    input: join(root, 'bench', 'nbd-client.entry.ts'),
    platform: 'node',
    external: [/^node:/, 'koffi'],
  })
  await made.write({ file, format: 'esm' })
  await made.close()
  return file
}
