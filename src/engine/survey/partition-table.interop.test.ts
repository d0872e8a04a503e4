// Real tables and real file systems by the tools that people make them with, read by Platter and by
// util-linux, which has to agree.

import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MemoryDisk } from '../disk/memory-disk'
import { makeGptImage } from '../testing/partition-images'
import { detectFileSystem } from './file-systems'
import type { PartitionTable } from './partition-table'
import { readPartitionTable } from './partition-table'

const TOOLS = [
  'sgdisk',
  'mke2fs',
  'mkfs.vfat',
  'mkfs.xfs',
  'mkswap',
  'blkid',
  'partx',
  'nbdkit',
  'nbdcopy',
]
const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`
const missing = TOOLS.filter((tool) => {
  try {
    execFileSync('sh', ['-c', `command -v ${tool}`], { env: { PATH }, stdio: 'ignore' })
    return false
  } catch {
    return true
  }
})

const needs = missing.length === 0 ? '' : ` (missing: ${missing.join(', ')})`

describe.skipIf(missing.length > 0)(`tables and file systems of real tools${needs}`, () => {
  let directory = ''

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'platter-survey-'))
  })
  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  const run = (tool: string, ...args: string[]) =>
    execFileSync(tool, args, { env: { PATH }, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })

  function makeFile(name: string, size: number): string {
    const path = join(directory, name)
    writeFileSync(path, '')
    truncateSync(path, size)
    return path
  }

  const readTable = (path: string) => readPartitionTable(MemoryDisk.from(readFileSync(path)))

  /** What util-linux lists, always in units of 512 bytes; less extended partitions, as in Platter. */
  function partitionsOf(path: string, sectorBytes = 512): [number, number, number][] {
    const size = ['--sector-size', String(sectorBytes)]
    const text = run('partx', '-g', '-r', '-o', 'NR,START,SECTORS,TYPE', ...size, path)
    const rows = text.trim().split('\n')
    return rows
      .map((row) => row.split(' '))
      .filter((row) => !['0x5', '0xf', '0x85'].includes(row[3] ?? ''))
      .map((row) => [Number(row[0]), Number(row[1]) * 512, Number(row[2]) * 512])
  }

  const placesOf = (table: PartitionTable) =>
    table.partitions.map(({ number, offset, length }) => [number, offset, length])

  it('agrees with util-linux about a GPT by sgdisk with file systems in it', async () => {
    const path = makeFile('gpt.img', 96 * 2 ** 20)
    run(
      'sgdisk',
      ...['-n', '1:2048:+8M', '-t', '1:ef00', '-c', '1:EFI'],
      ...['-n', '2:0:+32M', '-t', '2:8300', '-c', '2:rööt'],
      ...['-n', '5:0:+16M', '-t', '5:8200', '-c', '5:swap space'],
      ...['-n', '7:0:0', '-t', '7:8e00', path],
    )
    const kinds: Record<number, string[]> = {
      1: ['mkfs.vfat', '-F', '12'],
      2: ['mke2fs', '-q', '-t', 'ext4'],
      5: ['mkswap'],
    }
    const image = readFileSync(path)
    for (const [number, offset, length] of partitionsOf(path)) {
      const [tool, ...args] = kinds[number] ?? []
      if (tool === undefined) continue
      const part = makeFile(`part${number}`, length)
      run(tool, ...args, part)
      readFileSync(part).copy(image, offset)
    }
    writeFileSync(path, image)
    const table = await readTable(path)
    expect(table.scheme).toBe('gpt')
    expect(table.problems).toEqual([])
    expect(placesOf(table)).toEqual(partitionsOf(path))
    expect(table.partitions.map((p) => [p.name, p.type, p.fileSystem])).toEqual([
      ['EFI', 'EFI system', 'fat12'],
      ['rööt', 'Linux filesystem', 'ext4'],
      ['swap space', 'Linux swap', 'swap'],
      ['', 'Linux LVM', undefined],
    ])
  })

  it('agrees with util-linux about logical partitions by nbdkit', async () => {
    const parts = [1, 2, 3, 4, 5, 6, 7].map((n) => makeFile(`logical${n}`, n * 2 ** 20))
    const path = join(directory, 'mbr.img')
    run(
      'nbdkit',
      '-U',
      '-',
      'partitioning',
      ...parts,
      'partition-type=mbr',
      '--run',
      `nbdcopy "$uri" ${path}`,
    )
    const table = await readTable(path)
    expect(table.scheme).toBe('mbr')
    expect(table.problems).toEqual([])
    expect(placesOf(table)).toEqual(partitionsOf(path))
    expect(table.partitions).toHaveLength(7)
  })

  it('agrees with util-linux about a FAT32 disk by nbdkit', async () => {
    const path = join(directory, 'floppy.img')
    const content = join(directory, 'content')
    mkdirSync(content)
    writeFileSync(join(content, 'read.me'), 'hello')
    run('nbdkit', '-U', '-', 'floppy', content, 'size=40M', '--run', `nbdcopy "$uri" ${path}`)
    const table = await readTable(path)
    expect(placesOf(table)).toEqual(partitionsOf(path))
    expect(table.partitions.map((p) => p.fileSystem)).toEqual(['fat32'])
  })

  it('agrees with util-linux about a GPT of 4096-byte sectors', async () => {
    const entries = [
      { first: 100, last: 199, name: 'a' },
      { first: 300, last: 399, name: 'b' },
    ]
    const path = join(directory, 'wide.img')
    writeFileSync(path, makeGptImage({ sectorBytes: 4096, sectorCount: 1024, entries }))
    const table = await readTable(path)
    expect(table.problems).toEqual([])
    expect(placesOf(table)).toEqual(partitionsOf(path, 4096))
    const narrow = join(directory, 'narrow.img')
    writeFileSync(narrow, makeGptImage({ sectorBytes: 512, sectorCount: 4096, entries }))
    expect(run('sgdisk', '-v', narrow)).toContain('No problems found')
  })

  it.each<[string, string, number, string, ...string[]]>([
    ['ext2', 'ext2', 8, 'mke2fs', '-q', '-t', 'ext2'],
    ['ext3', 'ext3', 16, 'mke2fs', '-q', '-t', 'ext3'],
    ['ext4', 'ext4', 16, 'mke2fs', '-q', '-t', 'ext4'],
    ['ext4', 'ext4', 16, 'mke2fs', '-q', '-t', 'ext4', '-b', '4096', '-O', '^has_journal'],
    ['ext journal', 'jbd', 8, 'mke2fs', '-q', '-O', 'journal_dev'],
    ['fat12', 'vfat FAT12', 4, 'mkfs.vfat', '-F', '12'],
    ['fat16', 'vfat FAT16', 32, 'mkfs.vfat', '-F', '16'],
    ['fat32', 'vfat FAT32', 64, 'mkfs.vfat', '-F', '32'],
    ['fat32', 'vfat FAT32', 300, 'mkfs.vfat', '-F', '32', '-S', '4096'],
    ['fat16', 'vfat FAT16', 32, 'mkfs.vfat', '-F', '16', '--mbr=yes'],
    ['xfs', 'xfs', 320, 'mkfs.xfs', '-q'],
    ['swap', 'swap', 8, 'mkswap'],
    ['swap', 'swap', 8, 'mkswap', '-p', '16384'],
  ])('knows %s, as blkid knows %s', async (name, blkidName, mebibytes, tool, ...args) => {
    const path = makeFile('fs.img', mebibytes * 2 ** 20)
    run(tool, ...args, path)
    const blkid = run('blkid', '-p', '-o', 'export', path)
    const values = new Map(blkid.split('\n').map((row) => row.split('=') as [string, string]))
    expect(`${values.get('TYPE')} ${values.get('VERSION')}`).toContain(blkidName)
    const disk = MemoryDisk.from(readFileSync(path))
    expect(await detectFileSystem(disk, 0, disk.size)).toBe(name)
    expect(await readPartitionTable(disk)).toEqual({ scheme: 'none', partitions: [], problems: [] })
  })
})
