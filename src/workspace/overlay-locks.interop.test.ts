// One overlay that lasts, and two who would write it.

import { describe, expect, it } from 'vitest'
import type { PlatterError } from '../engine/base/errors'
import { hasHoleCalls } from '../engine/io/hole-libc'
import { failureOf } from '../engine/testing/fail-nth'
import { requirePeer, runPeer } from '../engine/testing/peer-process'
import { withOverlayFiles } from './lasting-overlay.test-helper'
import { imagePathOf } from './lasting-overlay-create'

const SIZE = 10 * 4096

describe.skipIf(!hasHoleCalls())('a lasting overlay that is open for writing', () => {
  it.each([1, 2] as const)('of version %i is not opened for writing again', (version) =>
    withOverlayFiles(SIZE, async ({ create, open, path }) => {
      await create({ version })
      const first = await open()
      const refusal = (await failureOf(open())) as PlatterError
      expect([refusal.code, refusal.message]).toEqual([
        'IN_USE',
        `${path}: cannot be written: this process (${process.pid}) has it open for writing; nothing was changed`,
      ])
      await first.overlay.write(new Uint8Array(100).fill(3), 50)
      await first.close()
      const second = await open()
      const bytes = new Uint8Array(100)
      await second.overlay.read(bytes, 50)
      expect(bytes).toEqual(new Uint8Array(100).fill(3))
      await second.close()
    }),
  )

  it('can be looked at', () =>
    withOverlayFiles(SIZE, async ({ create, open }) => {
      await create()
      const writing = await open()
      const looking = await open({ writable: false })
      expect(looking.overlay.size).toBe(SIZE)
      await looking.close()
      await writing.close()
    }))

  it.skipIf(!requirePeer('qemu-io'))('has an image file that QEMU does not write', () =>
    withOverlayFiles(SIZE, async ({ create, open, path }) => {
      await create()
      const lasting = await open()
      const write = ['-f', 'raw', '-c', 'write 0 4096', imagePathOf(path)]
      expect((await runPeer('qemu-io', write)).stderr).toMatch(/Failed to get .*lock/)
      await lasting.close()
      expect((await runPeer('qemu-io', write)).stdout).toContain('wrote 4096/4096')
    }),
  )
})
