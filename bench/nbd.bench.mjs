// How fast is a disk through the server? The same file, read and written by the same clients over Unix
// sockets: in sequence by nbdcopy, in 4 KiB pieces by fio. Memory is the most that each server held.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, watch } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'

const MIB = Number(process.env.PLATTER_BENCH_MIB ?? 1024)
const SIZE = MIB * 1024 * 1024

const FIO_SECONDS = Number(process.env.PLATTER_BENCH_SECONDS ?? 2)
const DEPTHS = [1, 16, 64]

export async function run({ temporary, pair, timed, platter }) {
  const path = join(temporary, 'dense.img')
  const file = await open(path, 'w')
  const piece = Buffer.alloc(4 * 1024 * 1024, 0x5a)
  for (let at = 0; at < SIZE; at += piece.length) await file.write(piece, 0, piece.length, at)
  await file.close()
  const at = (name) => join(temporary, `${name}.sock`)
  const ours = await startPlatter(platter, path, at('platter'))
  const cow = await startPlatter(platter, path, at('platter-cow'), '--cow')
  const kit = await startPeer(at('nbdkit'), 'nbdkit', [
    '-f',
    '-r',
    '-U',
    at('nbdkit'),
    'file',
    path,
  ])
  const kitCow = await startPeer(at('cow'), 'nbdkit', [
    ...['-f', '-U', at('cow'), '--filter=cow', 'file', path],
  ])
  const qemu = await startPeer(at('qemu'), 'qemu-nbd', [
    ...['-t', '-r', '-f', 'raw', '-e', '8', '-k', at('qemu'), path],
  ])
  const compare = (title, run, mine, peer, peerName, bar) =>
    pair(title, { ours: () => run(mine), peer: () => run(peer), peerName, bar })
  const sequential = ({ uri }) => timed('nbdcopy', [uri, 'null:'])
  const written = ({ uri }) => timed('nbdcopy', [path, uri])
  const streamed = (rw) => (server) => secondsOfRequest(timed, temporary, server, rw, 8, '256k')
  const random = (rw, depth) => (server) => secondsOfRequest(timed, temporary, server, rw, depth)
  try {
    await compare(`nbdcopy ${MIB} MiB out`, sequential, ours, kit, 'nbdkit file', 1)
    await compare(`nbdcopy ${MIB} MiB out`, sequential, ours, qemu, 'qemu-nbd', 1)
    await compare(`nbdcopy ${MIB} MiB in, overlay`, written, cow, kitCow, 'nbdkit cow')
    await compare('fio read 256 KiB, depth 8', streamed('read'), ours, kit, 'nbdkit file', 1)
    await compare('fio read 256 KiB, depth 8', streamed('read'), ours, qemu, 'qemu-nbd', 1)
    await compare('fio write 256 KiB, overlay', streamed('write'), cow, kitCow, 'nbdkit cow')
    for (const depth of DEPTHS) {
      const title = (rw) => `fio ${rw} 4 KiB, depth ${depth}`
      const read = random('randread', depth)
      await compare(title('randread'), read, ours, kit, 'nbdkit file')
      await compare(title('randread'), read, ours, qemu, 'qemu-nbd')
      const bar = depth === 16 ? 1 : undefined
      await compare(`${title('randread')}, overlay`, read, cow, kitCow, 'nbdkit cow', bar)
      const write = random('randwrite', depth)
      await compare(`${title('randwrite')}, overlay`, write, cow, kitCow, 'nbdkit cow', bar)
    }
    const servers = { platter: ours, 'platter --cow': cow, nbdkit: kit, 'nbdkit cow': kitCow, qemu }
    for (const [name, { pid }] of Object.entries(servers)) {
      console.log(`${name.padEnd(46)} peak memory ${peakMiB(pid)} MiB`)
    }
  } finally {
    await Promise.all([ours, cow, kit, kitCow, qemu].map((server) => server.stop()))
  }
}

/** Seconds for one request, out of as many as fit the time: a ratio of these is one of rates. */
function secondsOfRequest(timed, temporary, { uri }, rw, depth, bytes = '4k') {
  const output = join(temporary, 'fio.json')
  timed('fio', [
    ...['--name=bench', '--ioengine=nbd', `--uri=${uri}`, `--rw=${rw}`, `--bs=${bytes}`],
    ...[`--iodepth=${depth}`, `--runtime=${FIO_SECONDS}`, '--time_based', '--randrepeat=1'],
    ...['--output-format=json', `--output=${output}`],
  ])
  const text = readFileSync(output, 'utf8')
  const [job] = JSON.parse(text.slice(text.indexOf('{'))).jobs
  return 1 / (job.read.iops + job.write.iops)
}

const peakMiB = (pid) =>
  Math.round(Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024)

async function startPlatter(platter, path, socket, ...args) {
  const child = spawn(process.execPath, [platter, 'serve', path, '--socket', socket, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [uri] = await once(createInterface(child.stdout), 'line')
  return { uri, pid: child.pid, stop: () => end(child) }
}

/** The socket file appears once the peer listens. */
async function startPeer(socket, command, args) {
  const watcher = watch(dirname(socket))
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  while (!existsSync(socket)) await once(watcher, 'change')
  watcher.close()
  return { uri: `nbd+unix:///?socket=${socket}`, pid: child.pid, stop: () => end(child) }
}

async function end(child) {
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  await ended
}
