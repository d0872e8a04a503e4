// What stands in the form of an export, and what that asks of the host. The host is the one that judges;
// here is only what can be said before it is asked.

import type { ExportOptions } from '../../../bridge/contract'
import { EXPORT_FIELDS, type ExportField } from '../../../bridge/model'
import { PlatterError } from '../../../engine/base/errors'
import { isLoopback } from '../../../engine/base/loopback'

export interface ServeDraft {
  readonly transport: 'unix' | 'tcp'
  readonly path: string
  readonly host: string
  /** 0 or null: any free one. */
  readonly port: number | null
  readonly name: string
  readonly description: string
  readonly readOnly: boolean
  readonly tls: 'off' | 'optional' | 'required'
  readonly keys: 'x509' | 'psk'
  readonly certificates: string
  readonly pskFile: string
  readonly verifyPeer: boolean
}

const LOOPBACK = '127.0.0.1'

export const NEW_DRAFT: ServeDraft = {
  transport: 'unix',
  path: '',
  host: LOOPBACK,
  port: null,
  name: '',
  description: '',
  readOnly: false,
  tls: 'off',
  keys: 'x509',
  certificates: '',
  pskFile: '',
  verifyPeer: true,
}

/** What is empty is left to the host. */
export function optionsOf(draft: ServeDraft): ExportOptions {
  const description = draft.description.trim()
  const tls = tlsOf(draft)
  return {
    transport: transportOf(draft),
    name: draft.name.trim(),
    ...(description === '' ? {} : { description }),
    readOnly: draft.readOnly,
    ...(tls === undefined ? {} : { tls }),
  }
}

function transportOf(draft: ServeDraft): ExportOptions['transport'] {
  const path = draft.path.trim()
  if (draft.transport === 'unix') return { kind: 'unix', ...(path === '' ? {} : { path }) }
  return { kind: 'tcp', host: draft.host.trim() || LOOPBACK, port: draft.port ?? 0 }
}

function tlsOf(draft: ServeDraft): ExportOptions['tls'] {
  const { tls: mode, keys, verifyPeer } = draft
  if (mode === 'off') return undefined
  const pskFile = draft.pskFile.trim()
  const certificates = draft.certificates.trim()
  if (keys === 'psk') return { mode, ...(pskFile === '' ? {} : { pskFile }) }
  return { mode, ...(certificates === '' ? {} : { certificates }), verifyPeer }
}

/** What a person should know before an address that others reach is served; a sentence. */
export function warningOf(draft: ServeDraft): string | undefined {
  const { transport, readOnly, tls, keys, verifyPeer } = draft
  const host = draft.host.trim()
  if (transport === 'unix' || host === '' || isLoopback(host)) return undefined
  if (tls === 'required' && (keys === 'psk' || verifyPeer)) return undefined
  const can = readOnly ? 'read the session' : 'read and write the session'
  return `Anyone who can reach this address can ${can}.`
}

export interface FieldProblem {
  /** Absent: it is about the whole. */
  readonly field?: ExportField
  readonly message: string
}

/** A key file or folder that was left empty, before the host is asked. */
export function missingKeys({
  tls,
  keys,
  certificates,
  pskFile,
}: ServeDraft): FieldProblem | undefined {
  if (tls === 'off') return undefined
  if (keys === 'psk' && pskFile.trim() === '') {
    return { field: 'pskFile', message: 'TLS needs a file of keys: type its path.' }
  }
  if (keys === 'x509' && certificates.trim() === '') {
    return { field: 'certificates', message: 'TLS needs a folder of certificates: type its path.' }
  }
  return undefined
}

/** Where the host's refusal belongs. */
export function problemOf(error: unknown): FieldProblem {
  const message = error instanceof Error ? error.message : String(error)
  const named = error instanceof PlatterError ? error.data['field'] : undefined
  const field = EXPORT_FIELDS.find((each) => each === named)
  return { message, ...(field === undefined ? {} : { field }) }
}
