import { BlockList, isIP } from 'node:net'

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4')
LOOPBACK.addAddress('::1', 'ipv6')
LOOPBACK.addSubnet('::ffff:127.0.0.0', 104, 'ipv6')

/** Whether an address to listen on can be reached from this machine only. A name counts as one if it is localhost. */
export function isLoopback(address: string): boolean {
  const family = isIP(address)
  if (family === 0) return /^(.+\.)?localhost$/i.test(address)
  return LOOPBACK.check(address, family === 4 ? 'ipv4' : 'ipv6')
}
