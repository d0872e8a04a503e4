// Certificates and keys for tests, made by openssl in a directory of their own: an authority, a server
// for localhost, and clients of this authority (`good`), of another one (`stranger`), and without a
// certificate (`bare`). `psk` is the file of a server, `wrong.psk` one with another key for alice.

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runPeer } from '../testing/peer-process'

export interface TlsKeys {
  readonly server: string
  readonly good: string
  readonly stranger: string
  readonly bare: string
  readonly psk: string
  readonly wrongPsk: string
}

const EC_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
const CAROL = '5c'.repeat(64)
const ALICE = '00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff'

export async function makeTlsKeys(dir: string): Promise<TlsKeys> {
  const at = (...names: string[]) => join(dir, ...names)
  for (const name of ['server', 'good', 'stranger', 'bare', 'other']) await mkdir(at(name))
  await makeAuthority(at('server'), 'Test authority')
  await makeAuthority(at('other'), 'Another authority')
  await sign(at('server'), at('server'), 'server', 'subjectAltName=DNS:localhost,IP:127.0.0.1')
  await sign(at('server'), at('good'), 'client', 'extendedKeyUsage=clientAuth')
  await sign(at('other'), at('stranger'), 'client', 'extendedKeyUsage=clientAuth')
  const authority = at('server', 'ca-cert.pem')
  for (const name of ['good', 'stranger', 'bare']) {
    await openssl('x509', '-in', authority, '-out', at(name, 'ca-cert.pem'))
  }
  // Bob's key is shorter than what GnuTLS takes.
  await writeFile(at('psk'), `bob:aabb\nalice:${ALICE}\ncarol:${CAROL}\n`)
  await writeFile(at('wrong.psk'), `alice:${ALICE.replaceAll('0', '1')}\n`)
  return {
    server: at('server'),
    good: at('good'),
    stranger: at('stranger'),
    bare: at('bare'),
    psk: at('psk'),
    wrongPsk: at('wrong.psk'),
  }
}

const makeAuthority = (dir: string, name: string): Promise<void> =>
  openssl(
    'req',
    '-x509',
    ...EC_KEY,
    ...['-days', '2', '-subj', `/CN=${name}`],
    ...['-keyout', join(dir, 'ca-key.pem'), '-out', join(dir, 'ca-cert.pem')],
  )

async function sign(
  authority: string,
  dir: string,
  name: string,
  extension: string,
): Promise<void> {
  const [request, extensions] = [join(dir, 'request.pem'), join(dir, 'extensions')]
  await writeFile(extensions, extension)
  const key = ['-keyout', join(dir, `${name}-key.pem`)]
  await openssl('req', ...EC_KEY, '-subj', `/CN=${name}`, ...key, '-out', request)
  await openssl(
    'x509',
    ...['-req', '-in', request, '-days', '2', '-extfile', extensions],
    ...['-CA', join(authority, 'ca-cert.pem'), '-CAkey', join(authority, 'ca-key.pem')],
    ...['-CAcreateserial', '-out', join(dir, `${name}-cert.pem`)],
  )
}

async function openssl(...args: string[]): Promise<void> {
  const { status, stderr } = await runPeer('openssl', args)
  if (status !== 0) throw new Error(`openssl ${args.join(' ')}: ${stderr}`)
}
