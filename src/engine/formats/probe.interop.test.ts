import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PROBE_HEAD_LENGTH, PROBE_TAIL_LENGTH, type ProbedFormat, probeFormat } from './probe'

const has = (program: string) => spawnSync('which', [program]).status === 0

let dir = ''
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'platter-probe-'))
})
afterAll(() => rm(dir, { recursive: true }))

async function probeFile(path: string): Promise<ProbedFormat> {
  const file = await open(path)
  const { size } = await file.stat()
  const head = new Uint8Array(Math.min(size, PROBE_HEAD_LENGTH))
  await file.read(head, 0, head.length, 0)
  const tail = new Uint8Array(Math.min(size, PROBE_TAIL_LENGTH))
  await file.read(tail, 0, tail.length, size - tail.length)
  await file.close()
  return probeFormat(head, size, tail)
}

describe.skipIf(!has('qemu-img'))('images that qemu-img made', () => {
  const kinds: readonly (readonly [string, string])[] = [
    ['raw', ''],
    ['qcow2', ''],
    ['qcow2', 'compat=0.10'],
    ['qcow', ''],
    ['qed', ''],
    ['vdi', ''],
    ['vhdx', ''],
    ['vmdk', ''],
    ['vmdk', 'subformat=streamOptimized'],
    ['vmdk', 'subformat=monolithicFlat'],
    ['vpc', ''],
    ['vpc', 'subformat=fixed'],
    ['parallels', ''],
  ]
  for (const [format, option] of kinds) {
    it(`${format} ${option} is recognised`, async () => {
      const path = join(dir, `${format}-${option || 'plain'}.img`)
      const options = option === '' ? [] : ['-o', option]
      execFileSync('qemu-img', ['create', '-q', '-f', format, ...options, path, '8M'])
      const probed = await probeFile(path)
      expect(probed.format).toBe(format)
      expect(probed.supported).toBe(format === 'raw')
    })
  }
})

describe('files that a packer made', () => {
  for (const [program, format] of [
    ['gzip', 'gzip'],
    ['xz', 'xz'],
    ['bzip2', 'bzip2'],
  ] as const) {
    it.skipIf(!has(program))(`${program} is recognised`, async () => {
      const path = join(dir, `plain-${program}`)
      await writeFile(path, 'x'.repeat(100_000))
      const packed = execFileSync(program, ['-c', path], { maxBuffer: 1024 * 1024 })
      await writeFile(path, packed)
      expect(await probeFile(path)).toMatchObject({ format, supported: false })
    })
  }
})
