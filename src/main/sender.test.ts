import { expect, test } from 'vitest'
import { isPageUrl, pageAddress } from './page-address'
import { isOurPage } from './sender'

const page = pageAddress(true, {})
const main = { origin: 'platter://app', parent: null }

test('the page itself may ask', () => {
  expect(isOurPage(main, page)).toBe(true)
})

test.each([
  ['a frame that is gone', null],
  ['a frame inside the page', { origin: 'platter://app', parent: main }],
  ['another origin', { origin: 'https://app', parent: null }],
  ['an origin that begins alike', { origin: 'platter://app.example', parent: null }],
  ['an opaque origin', { origin: 'null', parent: null }],
])('%s may not', (_what, frame) => {
  expect(isOurPage(frame, page)).toBe(false)
})

test.each([
  ['platter://app/index.html', true],
  ['platter://app', true],
  ['platter://app.example/', false],
  ['platter://other/index.html', false],
  ['https://app/', false],
  ['file:///etc/passwd', false],
  ['javascript:alert(1)', false],
  ['not an address', false],
])('going to %s is staying: %s', (url, stays) => {
  expect(isPageUrl(url, page)).toBe(stays)
})

test('a packaged application ignores the address of a development server', () => {
  const env = { ELECTRON_RENDERER_URL: 'http://localhost:5173/x' }
  expect(pageAddress(true, env).origin).toBe('platter://app')
  expect(pageAddress(false, env).origin).toBe('http://localhost:5173')
})
