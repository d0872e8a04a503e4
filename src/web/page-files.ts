// The files of the page over HTTP: those below one directory, by GET and HEAD. A path is taken apart
// before it is joined, and what it leads to is resolved, links included, before it is opened.

import { createReadStream } from 'node:fs'
import { realpath, stat } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { extname, join, sep } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { contentSecurityPolicy } from '../bridge/csp'
import { PlatterError } from '../engine/base/errors'

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
  '.woff2': 'font/woff2',
}
const FIRST_FILE = 'index.html'
/** Where the build puts files with a hash of their content in the name. */
const HASHED = /^\/assets\/[^/]+-[A-Za-z0-9_-]{8,}\.[a-z0-9]+$/

export class PageFiles {
  readonly #root: string

  private constructor(root: string) {
    this.#root = root
  }

  /** Rejects with NOT_FOUND when there is no page in `dir`. */
  static async in(dir: string): Promise<PageFiles> {
    try {
      const root = await realpath(dir)
      await stat(join(root, FIRST_FILE))
      return new PageFiles(root)
    } catch (error) {
      throw new PlatterError('NOT_FOUND', `${dir}: no ${FIRST_FILE}; the page was not built`, {
        cause: error,
      })
    }
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '' } = request
    if (method !== 'GET' && method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD')
      return answerPlain(response, 405, `${method}: files are only read here`)
    }
    const path = pathOf(url)
    const file = path === undefined ? undefined : await this.#find(path)
    if (path === undefined || file === undefined) {
      return answerPlain(response, 404, 'no such file of the page')
    }
    setPageHeaders(response, request.headers.host ?? '')
    response.setHeader(
      'Content-Type',
      CONTENT_TYPES[extname(file.path)] ?? 'application/octet-stream',
    )
    response.setHeader('Content-Length', file.size)
    response.setHeader(
      'Cache-Control',
      HASHED.test(path) ? 'private, max-age=31536000, immutable' : 'no-cache',
    )
    if (method === 'HEAD') response.end()
    else await pipeline(createReadStream(file.path, { end: Math.max(0, file.size - 1) }), response)
  }

  async #find(path: string): Promise<{ path: string; size: number } | undefined> {
    try {
      const resolved = await realpath(join(this.#root, path))
      if (!resolved.startsWith(this.#root + sep)) return undefined
      const found = await stat(resolved)
      return found.isFile() ? { path: resolved, size: found.size } : undefined
    } catch {
      return undefined
    }
  }
}

/** The decoded path of a request's target; `undefined` for what no link of the page looks like. */
function pathOf(target: string): string | undefined {
  const raw = target.split(/[?#]/, 1)[0] ?? ''
  if (raw === '/') return `/${FIRST_FILE}`
  let path: string
  try {
    path = decodeURIComponent(raw)
  } catch {
    return undefined
  }
  const [before, ...segments] = path.split('/')
  const isPlain = (name: string) => name !== '' && !name.startsWith('.') && !/[\\\0]/.test(name)
  return before === '' && segments.every(isPlain) ? path : undefined
}

/** `authority` has passed the gate. */
function setPageHeaders(response: ServerResponse, authority: string): void {
  // A policy cannot spell an IPv6 address; there 'self' has to do.
  const csp = authority.startsWith('[')
    ? contentSecurityPolicy()
    : contentSecurityPolicy({ socketAuthority: authority })
  response.setHeader('Content-Security-Policy', csp)
  response.setHeader('X-Content-Type-Options', 'nosniff')
  response.setHeader('Referrer-Policy', 'no-referrer')
  response.setHeader('Cross-Origin-Opener-Policy', 'same-origin')
  response.setHeader('Cross-Origin-Resource-Policy', 'same-origin')
}

export function answerPlain(response: ServerResponse, status: number, sentence: string): void {
  response.statusCode = status
  response.setHeader('Content-Type', 'text/plain; charset=utf-8')
  response.setHeader('X-Content-Type-Options', 'nosniff')
  response.setHeader('Cache-Control', 'no-store')
  response.end(`${sentence}\n`)
}
