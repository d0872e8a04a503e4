import { checkRequest } from '../disk/check-request'
import type { Capabilities, Disk } from '../disk/disk'
import type { PlacedReads } from '../disk/placement'
import { type DiskRequest, WrapDisk } from './wrap-disk'

/** The same bytes, and no way to change them: a change is refused with READ_ONLY before the disk sees it. */
export class ReadOnlyDisk extends WrapDisk {
  override readonly capabilities: Capabilities
  readonly placed: PlacedReads | undefined

  constructor(disk: Disk) {
    super(disk, 'read-only disk')
    this.placed = disk.placed
    this.capabilities = {
      ...disk.capabilities,
      write: false,
      trim: false,
      zero: false,
      fastZero: false,
      fua: false,
    }
  }

  protected async around<T>(request: DiskRequest, pass: () => Promise<T>): Promise<T> {
    checkRequest(this, request.operation, request.offset, request.length)
    return pass()
  }
}
