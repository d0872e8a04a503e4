import { protocol } from 'electron'
import { PAGE_SCHEME } from './page-address'
import { answerPageRequest } from './page-files'

/** Before `ready`: makes the page's scheme one with an origin and the rights of a secure page. */
export function registerPageScheme(): void {
  const privileges = { standard: true, secure: true, supportFetchAPI: true, codeCache: true }
  protocol.registerSchemesAsPrivileged([{ scheme: PAGE_SCHEME, privileges }])
}

/** After `ready`: serves the built page from `root`. */
export function servePage(root: string): void {
  protocol.handle(PAGE_SCHEME, (request) => answerPageRequest(root, request))
}
