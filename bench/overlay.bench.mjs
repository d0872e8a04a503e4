// How fast is a lasting overlay? Commits as whole programs, against qemu-img commit of a qcow2 overlay that
// has the same staged; and 4 KiB writes at random with a flush after every 32, through servers with an
// overlay each: those that outlive the server, and nbdkit's, which does not.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, watch } from 'node:fs'
import { open, rm, truncate } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'

const MIB = Number(process.env.PLATTER_BENCH_MIB ?? 1024)
const SIZE = MIB * 1024 * 1024
const FIO_SECONDS = Number(process.env.PLATTER_BENCH_SECONDS ?? 2)
const CLUSTER = 64 * 1024
/** Of a sparse overlay, one in so many clusters is staged. */
const SPARSE = 64

export async function run(tools) {
  const { temporary } = tools
  const base = join(temporary, 'base.img')
  await (await open(base, 'w')).close()
  await truncate(base, SIZE)
  await commits(tools, base, `commit ${MIB} MiB dense`, 1)
  await commits(tools, base, `commit ${MIB} MiB, 1 of ${SPARSE} blocks`, SPARSE)
  await randomWrites(tools, base)
}

/** Both overlays are staged once and copied back before each run; only the commit is timed. */
async function commits({ temporary, pair, timed, platter }, base, title, every) {
  const at = (name) => join(temporary, name)
  const [ours, qcow2] = [at('staged.acow'), at('staged.qcow2')]
  must(process.execPath, [platter, 'overlay', 'create', ours, '--base', base, '--format', 'raw'])
  must('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'raw', '-b', base, qcow2])
  const mine = await startPlatter(platter, base, at('a.sock'), '--overlay', ours)
  await fill(mine.uri, every)
  await mine.stop()
  const peer = await startPeer(at('b.sock'), 'qemu-nbd', [
    '-t',
    '-f',
    'qcow2',
    '-k',
    at('b.sock'),
    qcow2,
  ])
  await fill(peer.uri, every)
  await peer.stop()
  for (const name of [ours, `${ours}.image`, qcow2]) copy(name, `${name}.kept`)
  const fresh = (...names) => {
    for (const name of names) copy(`${name}.kept`, name)
  }
  await pair(title, {
    ours: () => {
      fresh(ours, `${ours}.image`)
      return timed(process.execPath, [platter, 'overlay', 'commit', ours, '--accept-base'])
    },
    peer: () => {
      fresh(qcow2)
      return timed('qemu-img', ['commit', '-q', qcow2])
    },
    peerName: 'qemu-img commit',
    bar: 1,
  })
  for (const name of [ours, `${ours}.image`, qcow2]) await rm(name)
}

async function randomWrites({ temporary, pair, timed, platter }, base) {
  const at = (name) => join(temporary, name)
  const [ours, qcow2] = [at('random.acow'), at('random.qcow2')]
  must(process.execPath, [platter, 'overlay', 'create', ours, '--base', base, '--format', 'raw'])
  must('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'raw', '-b', base, qcow2])
  const mine = await startPlatter(platter, base, at('c.sock'), '--overlay', ours)
  const kit = await startPeer(at('d.sock'), 'nbdkit', [
    ...['-f', '-U', at('d.sock'), '--filter=cow', 'file', base],
  ])
  const qemu = await startPeer(at('e.sock'), 'qemu-nbd', [
    ...['-t', '-f', 'qcow2', '--cache=writeback', '-k', at('e.sock'), qcow2],
  ])
  const run = (server) => secondsOfWrite(timed, temporary, server)
  try {
    for (const [peer, peerName] of [
      [kit, 'nbdkit cow'],
      [qemu, 'qemu-nbd qcow2'],
    ]) {
      const title = 'fio randwrite 4 KiB, depth 16, flush every 32'
      await pair(title, { ours: () => run(mine), peer: () => run(peer), peerName, bar: 1 })
    }
  } finally {
    await Promise.all([mine, kit, qemu].map((server) => server.stop()))
  }
}

/** Writes a cluster out of `every` many. */
async function fill(uri, every) {
  must('fio', [
    ...['--name=fill', '--ioengine=nbd', `--uri=${uri}`, `--size=${SIZE}`, '--end_fsync=1'],
    ...(every === 1
      ? ['--rw=write', '--bs=1M', '--iodepth=8']
      : [`--rw=write:${(every - 1) * CLUSTER}`, `--bs=${CLUSTER}`, `--io_size=${SIZE / every}`]),
  ])
}

/** Seconds for one write, out of as many as fit the time: a ratio of these is one of rates. */
function secondsOfWrite(timed, temporary, { uri }) {
  const output = join(temporary, 'fio.json')
  timed('fio', [
    ...['--name=bench', '--ioengine=nbd', `--uri=${uri}`, '--rw=randwrite', '--bs=4k'],
    ...['--iodepth=16', `--runtime=${FIO_SECONDS}`, '--time_based', '--randrepeat=1', '--fsync=32'],
    ...[`--size=${SIZE}`, '--output-format=json', `--output=${output}`],
  ])
  const text = readFileSync(output, 'utf8')
  const [job] = JSON.parse(text.slice(text.indexOf('{'))).jobs
  return 1 / job.write.iops
}

/** Sparse, and on the disk before anything is timed. */
function copy(from, to) {
  must('cp', ['--sparse=always', from, to])
  must('sync', [to])
}

function must(command, args) {
  const { status, stderr, error } = spawnSync(command, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr ?? error}`)
}

async function startPlatter(platter, path, socket, ...args) {
  const child = spawn(process.execPath, [platter, 'serve', path, '--socket', socket, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [uri] = await once(createInterface(child.stdout), 'line')
  return { uri, stop: () => end(child) }
}

/** The socket file appears once the peer listens. */
async function startPeer(socket, command, args) {
  const watcher = watch(dirname(socket))
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  while (!existsSync(socket)) await once(watcher, 'change')
  watcher.close()
  return { uri: `nbd+unix:///?socket=${socket}`, stop: () => end(child) }
}

async function end(child) {
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  await ended
}
