// How fast is a disk through the server? The same file, read by nbdcopy over a Unix socket.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, watch } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'

const SIZE = 1024 * 1024 * 1024

export async function run({ temporary, pair, timed, platter }) {
  const path = join(temporary, 'dense.img')
  const file = await open(path, 'w')
  const piece = Buffer.alloc(4 * 1024 * 1024, 0x5a)
  for (let at = 0; at < SIZE; at += piece.length) await file.write(piece, 0, piece.length, at)
  await file.close()
  const ours = await startPlatter(platter, path, join(temporary, 'platter.sock'))
  const peer = await startNbdkit(path, join(temporary, 'nbdkit.sock'))
  try {
    await pair('nbdcopy 1 GiB from the server, 4 connections', {
      ours: async () => timed('nbdcopy', [ours.uri, 'null:']),
      peer: async () => timed('nbdcopy', [peer.uri, 'null:']),
      peerName: 'nbdkit file',
      bar: 1,
    })
  } finally {
    await Promise.all([ours.stop(), peer.stop()])
  }
}

async function startPlatter(platter, path, socket) {
  const child = spawn(process.execPath, [platter, 'serve', path, '--socket', socket], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [uri] = await once(createInterface(child.stdout), 'line')
  return { uri, stop: () => end(child) }
}

/** The socket file appears once nbdkit listens. */
async function startNbdkit(path, socket) {
  const watcher = watch(dirname(socket))
  const child = spawn('nbdkit', ['-f', '-r', '-U', socket, 'file', path], { stdio: 'inherit' })
  while (!existsSync(socket)) await once(watcher, 'change')
  watcher.close()
  return { uri: `nbd+unix:///?socket=${socket}`, stop: () => end(child) }
}

async function end(child) {
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  await ended
}
