// The programs that the tests drive, and the Debian packages that hold them.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

const PROGRAMS = {
  chromium: 'chromium',
  nbdkit: 'nbdkit',
  nbdinfo: 'libnbd-bin',
  nbdcopy: 'libnbd-bin',
  'qemu-img': 'qemu-utils',
  'qemu-io': 'qemu-utils',
  'qemu-nbd': 'qemu-utils',
  'nbd-server': 'nbd-server',
  'nbd-client': 'nbd-client',
  fio: 'fio',
  openssl: 'openssl',
  mke2fs: 'e2fsprogs',
  sgdisk: 'gdisk',
  'mkfs.vfat': 'dosfstools',
  'mkfs.xfs': 'xfsprogs',
}
/** Has no program of its own: bindings for /usr/bin/python3. */
const NBDSH = { module: '/usr/lib/python3/dist-packages/nbd.py', package: 'python3-libnbd' }

const PATH = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin', '/usr/bin']
const isThere = (program) => PATH.some((dir) => existsSync(join(dir, program)))

/** Debian packages of which something is not installed. */
export function missingPackages() {
  const missing = Object.entries(PROGRAMS)
    .filter(([program]) => !isThere(program))
    .map(([, name]) => name)
  if (!existsSync(NBDSH.module)) missing.push(NBDSH.package)
  return [...new Set(missing)]
}

const canInstall = () => process.getuid?.() === 0 && existsSync('/etc/debian_version')

/** Installs what is missing where that is possible; what is missing afterwards. */
export function providePackages() {
  const missing = missingPackages()
  if (missing.length === 0 || !canInstall()) return missing
  console.log(`installing ${missing.join(' ')}`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const apt = (...args) =>
    spawnSync('apt-get', ['-q', ...args], { env, stdio: ['ignore', 'ignore', 'inherit'] })
  apt('update')
  apt('install', '-y', '--no-install-recommends', ...missing)
  return missingPackages()
}
