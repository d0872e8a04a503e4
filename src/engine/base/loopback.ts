/**
 * Whether an address to listen on can be reached from this machine only. A name counts as one if it is
 * localhost. A spelling that is not known to be a loopback address is taken for one that others reach.
 */
export function isLoopback(address: string): boolean {
  return /^(.+\.)?localhost$/i.test(address) || isLoopback4(address) || isLoopback6(address)
}

function isLoopback4(address: string): boolean {
  const parts = address.split('.')
  const isByte = (part: string) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255
  return parts.length === 4 && parts[0] === '127' && parts.every(isByte)
}

/** ::1 however its zeroes are written, and IPv4 addresses that are mapped into IPv6. */
function isLoopback6(address: string): boolean {
  const mapped = /^(?:::|(?:0{1,4}:){5})ffff:([\d.]+)$/i.exec(address)?.[1]
  if (mapped !== undefined) return isLoopback4(mapped)
  return (
    /^(?:0{1,4}:){7}0{0,3}1$/.test(address) ||
    /^(?:0{1,4}(?::0{1,4})*)?::(?:0{1,4}:)*0{0,3}1$/.test(address)
  )
}
