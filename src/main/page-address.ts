/** The page's own scheme: an origin of its own, and no rights of file: addresses. */
export const PAGE_SCHEME = 'platter'
export const PAGE_HOST = 'app'

export interface PageAddress {
  readonly url: string
  readonly origin: string
}

const BUILT_PAGE: PageAddress = {
  url: `${PAGE_SCHEME}://${PAGE_HOST}/index.html`,
  origin: `${PAGE_SCHEME}://${PAGE_HOST}`,
}

/** The built page; while developing, the server that electron-vite names. */
export function pageAddress(isPackaged: boolean, env: NodeJS.ProcessEnv): PageAddress {
  const developing = env['ELECTRON_RENDERER_URL']
  if (isPackaged || developing === undefined) return BUILT_PAGE
  return { url: developing, origin: new URL(developing).origin }
}

/** Whether an address is of the page. `URL.origin` is `null` for schemes that the URL standard does not know. */
export function isPageUrl(url: string, page: PageAddress): boolean {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  return parsed !== undefined && `${parsed.protocol}//${parsed.host}` === page.origin
}
