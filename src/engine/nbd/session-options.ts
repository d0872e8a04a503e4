// What the server hands to each of its sessions.

import type { Clock } from '../base/clock'
import type { PlatterError } from '../base/errors'
import type { BufferPool } from './buffer-pool'
import type { ExportSource } from './export-registry'
import type { ServerLimits } from './limits'
import type { PayloadBudget } from './payload-budget'
import type { RequestLog } from './request-log'
import type { ServerTls } from './session-greeting'
import type { Transport } from './transport'

export interface SessionOptions {
  readonly id: number
  readonly transport: Transport
  readonly exports: ExportSource
  readonly clock: Clock
  readonly limits: ServerLimits
  readonly budget: PayloadBudget
  readonly buffers: BufferPool
  readonly tls: ServerTls | undefined
  readonly sendHoles: boolean
  readonly log: RequestLog | undefined
  /** The handshake is done. */
  onServing(): void
  /** Once, when the disk is left alone; `error` when it was not an orderly end. */
  onGone(error: PlatterError | undefined): void
  /** Once, after onGone, when the connection is closed as well: every reply has been sent or lost. */
  onClosed(): void
}
