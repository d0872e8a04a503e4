import { type ByteRange, intersect } from '../base/ranges'
import type { OverlayDisk } from './overlay'

/**
 * Runs `act`, which changes the range in the overlay's base, while no block of it changes in the overlay:
 * a write that completes a block with bytes of the base gets all of the old ones or all of the new ones.
 */
export async function holdBlocks(
  overlay: OverlayDisk,
  range: ByteRange,
  act: () => Promise<void>,
): Promise<void> {
  const inside = intersect(range, { offset: 0, length: overlay.size })
  if (inside === undefined) return act()
  await overlay.runCall(async () => {
    const { first, end } = overlay.blocks.grid.touched(inside)
    const unlock = await overlay.blocks.locks.acquire(first, end)
    try {
      await act()
    } finally {
      unlock()
      overlay.onChange(inside)
    }
  })
}
