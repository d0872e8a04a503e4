// Block devices over files, which only an administrator of Linux can set up.

import { execFileSync, spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'

export const hasLoopDevices =
  process.platform === 'linux' &&
  process.getuid?.() === 0 &&
  spawnSync('losetup', ['--find']).status === 0

export interface LoopDevice {
  readonly device: string
  /** What is behind it. */
  readonly file: string
  dispose(): Promise<void>
}

/** A block device over `file`, which is made and holds `content`; `options` are losetup's. */
export async function loopDevice(
  file: string,
  content: Uint8Array,
  ...options: string[]
): Promise<LoopDevice> {
  await writeFile(file, content)
  const losetup = ['--find', '--show', ...options, file]
  const device = execFileSync('losetup', losetup, { encoding: 'utf8' }).trim()
  const dispose = async () => {
    execFileSync('losetup', ['--detach', device])
  }
  return { file, device, dispose }
}
