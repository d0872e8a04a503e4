import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { answerPageRequest, resolvePageFile } from './page-files'

describe('the path of a page file', () => {
  test.each([
    ['platter://app/index.html', '/page/index.html'],
    ['platter://app/', '/page/index.html'],
    ['platter://app/assets/a%20b.js?v=1#x', '/page/assets/a b.js'],
    ['platter://app/a/../b.css', '/page/b.css'],
    ['platter://app/%2e%2e/b.css', '/page/b.css'],
  ])('%s is %s', (url, path) => {
    expect(resolvePageFile('/page', url)).toBe(path)
  })

  test.each([
    'platter://app/..%2fsecret.html',
    'platter://app/..%2fpage-two/secret.html',
    'platter://app/a%00.html',
    'platter://app/%zz.html',
    'platter://elsewhere/index.html',
  ])('%s is none', (url) => {
    expect(resolvePageFile('/page', url)).toBeUndefined()
  })
})

describe('an answer to the page', () => {
  let root = ''
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'page-files-'))
    await writeFile(join(root, 'index.html'), '<title>Platter</title>')
    await writeFile(join(root, 'notes.txt'), 'not of the page')
  })
  afterAll(() => rm(root, { recursive: true }))

  const ask = (path: string, method = 'GET') =>
    answerPageRequest(root, new Request(`platter://app${path}`, { method }))

  test('carries the content, its type and the policy', async () => {
    const response = await ask('/index.html')
    expect(response.status).toBe(200)
    expect(await response.text()).toBe('<title>Platter</title>')
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(response.headers.get('x-content-type-options')).toBe('nosniff')
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'")
  })

  test('to HEAD has no content', async () => {
    const response = await ask('/index.html', 'HEAD')
    expect(response.status).toBe(200)
    expect(await response.text()).toBe('')
  })

  test.each([
    ['/missing.js', 'GET', 404],
    ['/notes.txt', 'GET', 404],
    ['/index.html/more.js', 'GET', 404],
    ['/index.html', 'POST', 405],
  ])('%s by %s is refused with %i', async (path, method, status) => {
    expect((await ask(path, method)).status).toBe(status)
  })
})
