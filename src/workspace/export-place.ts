// Where an export listens, and which field of its form a refusal is about.

import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { ExportOptions } from '../bridge/contract'
import type { ExportField } from '../bridge/model'
import { PlatterError } from '../engine/base/errors'
import { fileError } from '../engine/io/file-errors'
import type { ListenAddress } from '../engine/nbd/transport'

const LOOPBACK = '127.0.0.1'

export interface ExportPlace {
  readonly address: ListenAddress
  /** Made for the socket, and to be removed with it. */
  readonly tempDir: string | undefined
}

/** A private directory of its own keeps the socket from everybody else and its name free. */
export async function settlePlace(transport: ExportOptions['transport']): Promise<ExportPlace> {
  if (transport.kind === 'tcp') {
    const { host = LOOPBACK, port = 0 } = transport
    return { address: { kind: 'tcp', host, port }, tempDir: undefined }
  }
  if (transport.path !== undefined) {
    // Absolute, so that the URI leads there from every directory.
    return { address: { kind: 'unix', path: resolve(transport.path) }, tempDir: undefined }
  }
  const tempDir = await makePrivateDir()
  return { address: { kind: 'unix', path: join(tempDir, 'nbd.sock') }, tempDir }
}

async function makePrivateDir(): Promise<string> {
  const ofSession = process.env['XDG_RUNTIME_DIR']
  // It may name a directory that is another person's (after sudo), or gone.
  const made = ofSession && (await mkdtemp(join(ofSession, 'platter-')).catch(() => undefined))
  if (made) return made
  const path = join(tmpdir(), 'platter-')
  return await mkdtemp(path).catch((error: unknown) => {
    throw fileError(error, path, 'cannot make a directory for the socket')
  })
}

/** The field that a failure to listen is about. */
export function fieldOfListening({ kind }: ListenAddress, error: unknown): ExportField | undefined {
  if (!(error instanceof PlatterError)) return undefined
  if (kind === 'unix') return 'path'
  return error.code === 'ADDRESS_IN_USE' || error.code === 'NO_PERMISSION' ? 'port' : 'host'
}

/** What the step fails with has the field in its data, for a form that puts the sentence there. */
export async function withField<T>(
  field: ExportField | ((error: unknown) => ExportField | undefined),
  step: () => T | Promise<T>,
): Promise<T> {
  try {
    return await step()
  } catch (error) {
    const found = typeof field === 'string' ? field : field(error)
    if (!(error instanceof PlatterError) || found === undefined) throw error
    const { code, message, data, cause } = error
    throw new PlatterError(code, message, { cause, data: { ...data, field: found } })
  }
}
