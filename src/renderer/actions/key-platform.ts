import type { KeyPlatform } from './key-match'

/** Which keys this page's person has: of the machine in front of them, not of the host. */
export const keyPlatform = (navigatorPlatform: string): KeyPlatform =>
  /mac|iphone|ipad/i.test(navigatorPlatform) ? 'mac' : 'other'
