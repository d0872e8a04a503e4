import { describe, expect, test } from 'vitest'
import { PlatterError } from '../../../engine/base/errors'
import {
  missingKeys,
  NEW_DRAFT,
  optionsOf,
  problemOf,
  type ServeDraft,
  warningOf,
} from './serve-draft'

const draft = (change: Partial<ServeDraft>): ServeDraft => ({ ...NEW_DRAFT, ...change })

describe('what the form asks for', () => {
  test('left alone is a private socket without TLS', () => {
    expect(optionsOf(NEW_DRAFT)).toEqual({ transport: { kind: 'unix' }, name: '', readOnly: false })
  })

  test('on TCP is this machine and any port unless something else is typed', () => {
    const tcp = { transport: 'tcp' } as const
    expect(optionsOf(draft({ ...tcp, host: ' ' })).transport).toEqual({
      kind: 'tcp',
      host: '127.0.0.1',
      port: 0,
    })
    const typed = draft({ ...tcp, host: ' ::1 ', port: 10809 })
    expect(optionsOf(typed).transport).toEqual({ kind: 'tcp', host: '::1', port: 10809 })
  })

  test('has the keys of the kind that is chosen, and no others', () => {
    const both = { certificates: '/pki', pskFile: '/psk', verifyPeer: true }
    expect(optionsOf(draft({ ...both, tls: 'off' })).tls).toBeUndefined()
    expect(optionsOf(draft({ ...both, tls: 'optional' })).tls).toEqual({
      mode: 'optional',
      certificates: '/pki',
      verifyPeer: true,
    })
    expect(optionsOf(draft({ ...both, tls: 'required', keys: 'psk' })).tls).toEqual({
      mode: 'required',
      pskFile: '/psk',
    })
  })

  test('is not asked while keys are missing', () => {
    expect(missingKeys(NEW_DRAFT)).toBeUndefined()
    expect(missingKeys(draft({ tls: 'optional' }))?.field).toBe('certificates')
    expect(missingKeys(draft({ tls: 'optional', certificates: '/pki' }))).toBeUndefined()
    expect(missingKeys(draft({ tls: 'required', keys: 'psk', certificates: '/pki' }))?.field).toBe(
      'pskFile',
    )
  })
})

describe('the warning', () => {
  const open = draft({ transport: 'tcp', host: '0.0.0.0' })

  test('is for addresses that others reach', () => {
    expect(warningOf(open)).toBe(
      'Anyone who can reach this address can read and write the session.',
    )
    expect(warningOf({ ...open, readOnly: true })).toContain('can read the session')
    expect(warningOf({ ...open, host: '::' })).toBeDefined()
    for (const host of ['', '127.0.0.1', '::1', 'localhost', '127.9.9.9']) {
      expect(warningOf({ ...open, host })).toBeUndefined()
    }
    expect(warningOf({ ...open, transport: 'unix' })).toBeUndefined()
  })

  test('goes away only where TLS is required and clients prove who they are', () => {
    expect(warningOf({ ...open, tls: 'required', verifyPeer: true })).toBeUndefined()
    expect(warningOf({ ...open, tls: 'required', keys: 'psk' })).toBeUndefined()
    expect(warningOf({ ...open, tls: 'required', verifyPeer: false })).toBeDefined()
    expect(warningOf({ ...open, tls: 'optional', verifyPeer: true })).toBeDefined()
    expect(warningOf({ ...open, tls: 'optional', keys: 'psk' })).toBeDefined()
  })
})

test('a refusal stands at the field that the host names', () => {
  const refuse = (data: Record<string, string>) =>
    problemOf(new PlatterError('ADDRESS_IN_USE', '127.0.0.1:1: in use', { data }))
  expect(refuse({ field: 'port' })).toEqual({ field: 'port', message: '127.0.0.1:1: in use' })
  expect(refuse({ field: 'colour' })).toEqual({ message: '127.0.0.1:1: in use' })
  expect(problemOf(new Error('no'))).toEqual({ message: 'no' })
})
