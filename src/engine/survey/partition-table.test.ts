import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hasCode, PlatterError } from '../base/errors'
import type { CallOptions, Disk } from '../disk/disk'
import { ANY_BLOCK_SIZE, NO_CAPABILITIES } from '../disk/disk'
import { MemoryDisk } from '../disk/memory-disk'
import { makeGptImage, makeMbr, sealGpt } from '../testing/partition-images'
import { MAX_GPT_ENTRIES } from './gpt'
import { MAX_LOGICAL_PARTITIONS } from './mbr'
import { readPartitionTable } from './partition-table'

const SECTORS = 4096

const read = (image: Uint8Array) => readPartitionTable(MemoryDisk.from(image))

const simpleGpt = (sectorBytes = 512) =>
  makeGptImage({
    sectorBytes,
    sectorCount: SECTORS,
    entries: [
      { first: 100, last: 199, name: 'boot' },
      { first: 200, last: 999, name: 'root ☃' },
    ],
  })

const TWO = [
  { number: 1, name: 'boot', type: 'Linux filesystem', offset: 100 * 512, length: 100 * 512 },
  { number: 2, name: 'root ☃', type: 'Linux filesystem', offset: 200 * 512, length: 800 * 512 },
]

/** Changes a header field of both tables of an image of 512-byte sectors and seals them again. */
function changeHeaders(image: Buffer, change: (header: Buffer) => void): Buffer {
  for (const at of [1, SECTORS - 1]) {
    change(image.subarray(at * 512, (at + 1) * 512))
    sealGpt(image, at, 512)
  }
  return image
}

describe('a GPT', () => {
  it('is read with sectors of 512 bytes and of 4096', async () => {
    expect(await read(simpleGpt())).toEqual({ scheme: 'gpt', partitions: TWO, problems: [] })
    const wide = await read(simpleGpt(4096))
    expect(wide.problems).toEqual([])
    expect(wide.partitions.map((p) => [p.offset, p.length])).toEqual([
      [100 * 4096, 100 * 4096],
      [200 * 4096, 800 * 4096],
    ])
  })

  it('is read from a disk that only reads blocks of 4096 bytes', async () => {
    const blockSize = { ...ANY_BLOCK_SIZE, minimum: 4096, maximum: 4096 }
    const table = await readPartitionTable(MemoryDisk.from(simpleGpt(), { blockSize }))
    expect(table).toEqual({ scheme: 'gpt', partitions: TWO, problems: [] })
  })

  it('is read from its backup when a bit of the primary header is wrong', async () => {
    const image = simpleGpt()
    image.writeUInt8(image.readUInt8(512 + 57) ^ 1, 512 + 57)
    const table = await read(image)
    expect(table.partitions).toEqual(TWO)
    expect(table.problems).toHaveLength(2)
    expect(table.problems[0]).toMatch(
      /^The primary GPT header at sector 1 is damaged: its checksum is 0x/,
    )
    expect(table.problems[1]).toBe('The partitions shown are those of the backup GPT.')
  })

  it('is read from its backup when the primary header is gone', async () => {
    for (const sectorBytes of [512, 4096]) {
      const image = simpleGpt(sectorBytes)
      image.fill(0, sectorBytes, 2 * sectorBytes)
      const table = await read(image)
      expect(table.partitions).toHaveLength(2)
      expect(table.problems[0]).toBe('The primary GPT header at sector 1 is missing.')
    }
  })

  it('is read from its backup when a bit of the primary entries is wrong', async () => {
    const image = simpleGpt()
    image.writeUInt8(1, 1024 + 128 + 33)
    const table = await read(image)
    expect(table.partitions).toEqual(TWO)
    expect(table.problems[0]).toMatch(/^The entries of the primary GPT are damaged/)
  })

  it('shows nothing when both copies are damaged', async () => {
    const image = simpleGpt()
    image.writeUInt8(1, 1024 + 128 + 33)
    image.writeUInt8(1, (SECTORS - 1) * 512 + 40)
    const table = await read(image)
    expect(table.scheme).toBe('gpt')
    expect(table.partitions).toEqual([])
    expect(table.problems.at(-1)).toBe('Neither GPT is whole, so no partitions are shown.')
  })

  it('says when only the backup is damaged', async () => {
    const image = simpleGpt()
    image.fill(0, (SECTORS - 1) * 512)
    const table = await read(image)
    expect(table.partitions).toEqual(TWO)
    expect(table.problems).toEqual(['The backup GPT header at sector 4095 is missing.'])
  })

  it('says when the disk was cut short, and cuts what lies behind its end', async () => {
    const table = await read(simpleGpt().subarray(0, 500 * 512))
    expect(table.partitions).toEqual([TWO[0], { ...TWO[1], length: 300 * 512 }])
    expect(table.problems).toEqual([
      'The backup GPT would be at sector 4095, but the last sector is 499.',
      'The GPT is for a disk with usable sectors up to 4062, but the last sector is 499.',
      'Partition 2 ends at byte 512000, past the end of the disk of 256000 bytes, and is shown cut.',
    ])
    expect((await read(simpleGpt().subarray(0, 150 * 512))).problems.at(-1)).toBe(
      'Partition 2 starts at byte 102400, past the end of the disk of 76800 bytes, and is not shown.',
    )
  })

  it('says when the disk has grown behind its backup', async () => {
    const table = await read(Buffer.concat([simpleGpt(), Buffer.alloc(512 * 10)]))
    expect(table.partitions).toEqual(TWO)
    expect(table.problems).toEqual([
      'The backup GPT is at sector 4095 instead of the last sector 4105.',
    ])
  })

  it('says when the two copies list different partitions', async () => {
    const image = simpleGpt()
    image.writeBigUInt64LE(299n, 2 * 512 + 128 + 40)
    sealGpt(image, 1, 512)
    const table = await read(image)
    expect(table.partitions[1]?.length).toBe(100 * 512)
    expect(table.problems).toEqual([
      'The primary and the backup GPT differ; the partitions shown are the primary’s.',
    ])
  })

  it('says when partitions overlap, are empty, or leave the usable sectors', async () => {
    const table = await read(
      makeGptImage({
        sectorBytes: 512,
        sectorCount: SECTORS,
        entries: [
          { first: 100, last: 199 },
          { first: 150, last: 150 },
          { first: 300, last: 299 },
          { first: 20, last: 40 },
          { first: 2n ** 63n, last: 2n ** 64n - 1n },
        ],
      }),
    )
    expect(table.partitions.map((p) => p.number)).toEqual([1, 2, 4])
    expect(table.problems).toEqual([
      'Partition 4 takes sectors 20 to 40, outside the usable 34 to 4062.',
      'Partition 5 takes sectors 9223372036854775808 to 18446744073709551615, outside the usable 34 to 4062.',
      'Partition 3 has no sectors and is not shown.',
      'Partition 5 starts at byte 4722366482869645213696, past the end of the disk of 2097152 bytes, and is not shown.',
      'Partitions 1 and 2 overlap.',
    ])
  })

  it('names the types that it knows and prints the others as GUIDs', async () => {
    const entries = [
      { type: '28732ac11ff8d211ba4b00a0c93ec93b', first: 100, last: 101 },
      { type: '000102030405060708090a0b0c0d0e0f', first: 102, last: 103 },
    ]
    const table = await read(makeGptImage({ sectorBytes: 512, sectorCount: SECTORS, entries }))
    expect(table.partitions.map((p) => p.type)).toEqual([
      'EFI system',
      '03020100-0504-0706-0809-0A0B0C0D0E0F',
    ])
  })

  it('keeps characters out of a name that would change how it prints', async () => {
    const name = 'a\u001b[2J\u202eb\ud800'
    const entries = [
      { first: 100, last: 101, name },
      { first: 102, last: 103, name: 'x'.repeat(36) },
    ]
    const table = await read(makeGptImage({ sectorBytes: 512, sectorCount: SECTORS, entries }))
    expect(table.partitions[0]?.name).toBe('a\ufffd[2J\ufffdb\ufffd')
    expect(table.partitions[1]?.name).toBe('x'.repeat(36))
  })

  it('takes entries larger than 128 bytes, and as many as the limit', async () => {
    const options = { sectorBytes: 512, sectorCount: SECTORS, entryBytes: 256, entryCount: 8 }
    const table = await read(
      makeGptImage({ ...options, entries: [{ first: 100, last: 199, name: 'a' }] }),
    )
    expect(table.partitions).toEqual([{ ...TWO[0], name: 'a' }])
    expect(table.problems).toEqual([])
    const many = await read(
      makeGptImage({
        sectorBytes: 512,
        sectorCount: 8192,
        entryCount: MAX_GPT_ENTRIES,
        entries: Array.from({ length: 200 }, (_, i) => ({ first: 2000 + i, last: 2000 + i })),
      }),
    )
    expect(many.partitions).toHaveLength(200)
    expect(many.problems).toEqual([
      'File systems were looked for in the first 128 partitions only.',
    ])
  })

  it.each<[string, (header: Buffer) => void, RegExp]>([
    [
      'too many entries',
      (h) => h.writeUInt32LE(MAX_GPT_ENTRIES + 1, 80),
      /claims 4097 entries of 128 bytes/,
    ],
    ['4 billion entries', (h) => h.writeUInt32LE(0xffffffff, 80), /claims 4294967295 entries/],
    ['huge entries', (h) => h.writeUInt32LE(8192, 84), /claims 128 entries of 8192 bytes/],
    ['entries of 0 bytes', (h) => h.writeUInt32LE(0, 84), /entries of 0 bytes/],
    ['entries of 130 bytes', (h) => h.writeUInt32LE(130, 84), /entries of 130 bytes/],
    [
      'entries past the end',
      (h) => h.writeBigUInt64LE(2n ** 60n, 72),
      /puts its entries at sector 1152921504606846976/,
    ],
    ['another place', (h) => h.writeBigUInt64LE(7n, 24), /says that it belongs to sector 7/],
    ['a header of 91 bytes', (h) => h.writeUInt32LE(91, 12), /impossible size of 91 bytes/],
    ['a header of 513 bytes', (h) => h.writeUInt32LE(513, 12), /impossible size of 513 bytes/],
  ])('with %s is refused before it costs anything', async (_, change, reason) => {
    const disk = new CountingDisk(changeHeaders(simpleGpt(), change))
    const table = await readPartitionTable(disk)
    expect(table.partitions).toEqual([])
    expect(table.problems[0]).toMatch(reason)
    expect(disk.bytesRead).toBeLessThan(32 * 1024)
  })

  it('counts without a protective MBR, unless the MBR has partitions of its own', async () => {
    const image = simpleGpt()
    image.fill(0, 0, 512)
    const bare = await read(image)
    expect(bare.partitions).toEqual(TWO)
    expect(bare.problems).toEqual(['The protective MBR is missing.'])
    makeMbr([{ type: 0x83, first: 64, count: 100 }]).copy(image)
    const own = await read(image)
    expect(own.scheme).toBe('mbr')
    expect(own.partitions).toHaveLength(1)
    expect(own.problems[0]).toMatch(/the MBR does not point to it/)
  })

  it('goes before the other partitions of a hybrid MBR', async () => {
    const image = simpleGpt()
    makeMbr([
      { type: 0xee, first: 1, count: 99 },
      { type: 0x0c, first: 100, count: 100 },
    ]).copy(image)
    const table = await read(image)
    expect(table.partitions).toEqual(TWO)
    expect(table.problems).toEqual([
      'The MBR lists 1 partitions of its own beside the GPT; those of the GPT are shown.',
    ])
  })

  it('whose first sectors were wiped is mentioned and not used', async () => {
    const image = simpleGpt()
    image.fill(0, 0, 64 * 512)
    const table = await read(image)
    expect(table).toMatchObject({ scheme: 'none', partitions: [] })
    expect(table.problems[0]).toMatch(/a backup GPT header in the last sector/)
  })
})

describe('an MBR', () => {
  const withLogical = (links: readonly { first: number; count: number; next?: number }[]) => {
    const image = Buffer.alloc(SECTORS * 512)
    makeMbr([
      { type: 0x83, first: 8, count: 92 },
      { type: 0x0f, first: 100, count: 3000 },
    ]).copy(image)
    let at = 100
    for (const { first, count, next } of links) {
      const link = next === undefined ? [] : [{ type: 0x05, first: next, count: 10 }]
      makeMbr([{ type: 0x83, first, count }, ...link]).copy(image, at * 512)
      if (next !== undefined) at = 100 + next
    }
    return image
  }

  it('lists primary and logical partitions', async () => {
    const image = withLogical([
      { first: 4, count: 20, next: 50 },
      { first: 2, count: 30 },
    ])
    expect(await read(image)).toEqual({
      scheme: 'mbr',
      partitions: [
        { number: 1, name: '', type: '0x83 Linux', offset: 8 * 512, length: 92 * 512 },
        { number: 5, name: '', type: '0x83 Linux', offset: 104 * 512, length: 20 * 512 },
        { number: 6, name: '', type: '0x83 Linux', offset: 152 * 512, length: 30 * 512 },
      ],
      problems: [],
    })
  })

  it('counts in sectors of 4096 bytes on a disk that has them', async () => {
    const image = Buffer.alloc(4096 * 100)
    makeMbr([{ type: 0x07, first: 10, count: 50 }]).copy(image)
    const blockSize = { ...ANY_BLOCK_SIZE, minimum: 4096 }
    const table = await readPartitionTable(MemoryDisk.from(image, { blockSize }))
    expect(table.partitions[0]).toMatchObject({ offset: 40960, length: 204800 })
  })

  it('whose chain of logical partitions turns back ends where it does', async () => {
    const table = await read(
      withLogical([
        { first: 4, count: 20, next: 50 },
        { first: 2, count: 5, next: 0 },
      ]),
    )
    expect(table.partitions.map((p) => p.number)).toEqual([1, 5, 6])
    expect(table.problems).toEqual([
      'The chain of logical partitions comes back to sector 100; those from 7 on are not shown.',
    ])
  })

  it('whose chain leaves the extended partition ends where it does', async () => {
    const table = await read(withLogical([{ first: 4, count: 20, next: 3000 }]))
    expect(table.partitions.map((p) => p.number)).toEqual([1, 5])
    expect(table.problems[0]).toMatch(/leaves the extended partition for sector 3100/)
  })

  it('whose chain leads to something else ends where it does', async () => {
    const image = withLogical([{ first: 4, count: 20, next: 50 }])
    expect((await read(image)).problems).toEqual([
      'The record of logical partition 6 at sector 150 is not one.',
    ])
  })

  it('whose chain is longer than anybody makes is cut', async () => {
    const links = Array.from({ length: 200 }, (_, i) => ({ first: 1, count: 1, next: 2 * (i + 1) }))
    const table = await read(withLogical(links))
    expect(table.partitions).toHaveLength(1 + MAX_LOGICAL_PARTITIONS)
    expect(table.problems[0]).toMatch(/longer than 128 records/)
  })

  it('with partitions outside the disk shows those that are inside', async () => {
    const image = Buffer.alloc(100 * 512)
    makeMbr([
      { type: 0x83, first: 50, count: 100 },
      { type: 0x83, first: 200, count: 100 },
      { type: 0x83, first: 10, count: 0 },
    ]).copy(image)
    const table = await read(image)
    expect(table.partitions.map((p) => [p.number, p.length])).toEqual([[1, 50 * 512]])
    expect(table.problems).toHaveLength(3)
  })
})

describe('a disk without a table', () => {
  it('is empty, or too small for one', async () => {
    const none = { scheme: 'none', partitions: [], problems: [] }
    expect(await read(Buffer.alloc(0))).toEqual(none)
    expect(await read(Buffer.alloc(511, 0xff))).toEqual(none)
    expect(await read(Buffer.alloc(512))).toEqual(none)
    expect(await read(Buffer.alloc(100_000))).toEqual(none)
  })

  it('may hold a FAT whose boot code stands where entries would', async () => {
    const image = Buffer.alloc(4 * 2 ** 20)
    Buffer.from('eb3c906d6b66732e666174000204010002000200f0f80600', 'hex').copy(image)
    image.writeUInt16LE(8192, 19)
    image.writeUInt16LE(0xaa55, 510)
    image.fill(0x80, 446, 510)
    expect((await read(image)).scheme).toBe('none')
    makeMbr([{ type: 0x0c, first: 0, count: 8192 }]).copy(image, 446, 446)
    expect((await read(image)).scheme).toBe('none')
  })

  it('may have a signature and entries that no table has', async () => {
    const image = Buffer.alloc(100_000)
    makeMbr([{ type: 0x83, first: 1, count: 10, status: 0x42 }]).copy(image)
    expect((await read(image)).scheme).toBe('none')
  })
})

class CountingDisk extends MemoryDisk {
  override readonly capabilities = NO_CAPABILITIES
  bytesRead = 0
  readonly #image: Uint8Array
  readonly #badSectors: readonly number[]

  constructor(image: Uint8Array, badSectors: readonly number[] = []) {
    super(image.length)
    this.#image = image
    this.#badSectors = badSectors
  }

  override async read(
    target: Uint8Array,
    offset: number,
    options: CallOptions = {},
  ): Promise<void> {
    if (options.signal?.aborted) throw new PlatterError('ABORTED', 'read: cancelled')
    this.bytesRead += target.length
    for (const sector of this.#badSectors) {
      if (sector * 512 < offset + target.length && (sector + 1) * 512 > offset) {
        throw new PlatterError('IO_ERROR', `sector ${sector} is bad`)
      }
    }
    target.set(this.#image.subarray(offset, offset + target.length))
  }
}

describe('a disk with bad sectors', () => {
  it('gives what can be read of its table', async () => {
    const table = await readPartitionTable(new CountingDisk(simpleGpt(), [1]))
    expect(table.partitions).toEqual(TWO)
    expect(table.problems).toContain('The primary GPT header cannot be read: sector 1 is bad.')
    const inside = await readPartitionTable(new CountingDisk(simpleGpt(), [210]))
    expect(inside.partitions).toEqual(TWO)
    expect(inside.problems).toEqual(['The start of partition 2 cannot be read: sector 210 is bad.'])
  })

  it('has no table when its first sector is one of them', async () => {
    const table = await readPartitionTable(new CountingDisk(simpleGpt(), [0]))
    expect(table).toEqual({
      scheme: 'none',
      partitions: [],
      problems: ['The first sector cannot be read: sector 0 is bad.'],
    })
  })
})

it('stops reading a table when it is cancelled', async () => {
  const controller = new AbortController()
  controller.abort()
  const disk = new CountingDisk(simpleGpt())
  const error = await readPartitionTable(disk, controller.signal).catch((reason: unknown) => reason)
  expect(hasCode(error, 'ABORTED')).toBe(true)
})

describe('a hostile table', () => {
  const logical = () => {
    const image = Buffer.alloc(256 * 512)
    makeMbr([
      { type: 0x83, first: 8, count: 40 },
      { type: 0x0f, first: 50, count: 200 },
    ]).copy(image)
    for (const at of [0, 10, 20, 30]) {
      makeMbr([
        { type: 0x83, first: 2, count: 6 },
        { type: 0x05, first: at + 10, count: 10 },
      ]).copy(image, (50 + at) * 512)
    }
    return image
  }
  const gpt = (sectorBytes: number) => () =>
    makeGptImage({
      sectorBytes,
      sectorCount: 256,
      entryCount: 16,
      entries: [
        { first: 100, last: 149, name: 'a' },
        { first: 150, last: 199, name: 'b' },
      ],
    })

  async function expectHarmless(disk: Disk & { bytesRead: number }): Promise<void> {
    const table = await readPartitionTable(disk)
    for (const { offset, length } of table.partitions) {
      expect(Number.isSafeInteger(offset) && offset >= 0).toBe(true)
      expect(length).toBeGreaterThan(0)
      expect(offset + length).toBeLessThanOrEqual(disk.size)
    }
    expect(table.problems.length).toBeLessThanOrEqual(33)
    expect(disk.bytesRead).toBeLessThan(12 * 2 ** 20)
  }

  for (const [name, make, sectorBytes, gptHeaders] of [
    ['GPT of 512-byte sectors', gpt(512), 512, [1, 255]],
    ['GPT of 4096-byte sectors', gpt(4096), 4096, [1, 255]],
    ['MBR', logical, 512, []],
  ] as const) {
    it(`never makes the reader fail, leave the disk or read without end: ${name}`, async () => {
      const image = make()
      // Places where something stands; changing an empty sector changes nothing.
      const places = [...image.keys()].filter((at) => image[at] !== 0 || at < 3 * sectorBytes)
      const change = fc.tuple(fc.constantFrom(...places), fc.integer({ min: 0, max: 255 }))
      const changes = fc.array(change, { minLength: 1, maxLength: 12 })
      await fc.assert(
        fc.asyncProperty(changes, fc.boolean(), async (list, reseal) => {
          const mutant = make()
          for (const [at, value] of list) mutant[at] = value
          if (reseal) for (const at of gptHeaders) sealGpt(mutant, at, sectorBytes)
          await expectHarmless(new CountingDisk(mutant))
        }),
        { numRuns: 1500, seed: 20261121 },
      )
    })

    it(`is cut at any length without harm: ${name}`, async () => {
      const image = make()
      for (let length = 0; length < image.length; length += 509) {
        await expectHarmless(new CountingDisk(image.subarray(0, length)))
      }
    })
  }
})
