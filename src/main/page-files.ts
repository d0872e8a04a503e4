// Answers requests of the page for its own files: what lies below the built renderer, and nothing else.
// Read from disk for every request; Electron keeps no cache for schemes of an application.

import { readFile } from 'node:fs/promises'
import { extname, join, normalize, sep } from 'node:path'
import { contentSecurityPolicy } from '../bridge/csp'
import { PAGE_HOST } from './page-address'

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
}

const SECURITY_HEADERS = {
  'Content-Security-Policy': contentSecurityPolicy(),
  'X-Content-Type-Options': 'nosniff',
  'Cross-Origin-Resource-Policy': 'same-origin',
}

/** The path of a file below `root`; undefined for an address that leaves it or is of another host. */
export function resolvePageFile(root: string, url: string): string | undefined {
  const { host, pathname } = new URL(url)
  if (host !== PAGE_HOST) return undefined
  const decoded = decodePath(pathname)
  if (decoded === undefined || decoded.includes('\0')) return undefined
  const path = normalize(join(root, decoded === '/' ? 'index.html' : decoded))
  return path.startsWith(root + sep) ? path : undefined
}

export async function answerPageRequest(root: string, request: Request): Promise<Response> {
  if (request.method !== 'GET' && request.method !== 'HEAD') return refusal(405)
  const path = resolvePageFile(root, request.url)
  const type = path === undefined ? undefined : CONTENT_TYPES[extname(path)]
  if (path === undefined || type === undefined) return refusal(404)
  const content = await readFile(path).catch(missingFile)
  if (content === undefined) return refusal(404)
  return new Response(request.method === 'HEAD' ? null : new Uint8Array(content), {
    headers: { ...SECURITY_HEADERS, 'Content-Type': type },
  })
}

function decodePath(pathname: string): string | undefined {
  try {
    return decodeURIComponent(pathname)
  } catch {
    return undefined // a broken percent escape names no file
  }
}

function missingFile(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT' && error.code !== 'EISDIR' && error.code !== 'ENOTDIR') throw error
}

const refusal = (status: number) => new Response(null, { status, headers: SECURITY_HEADERS })
