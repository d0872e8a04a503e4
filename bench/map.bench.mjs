// How long does the map of a fragmented file take? A file of 100,000 extents, mapped by whole processes.
import { open } from 'node:fs/promises'
import { join } from 'node:path'

const EXTENTS = 100_000
const PIECE = 64 * 1024

export async function run({ temporary, pair, timed, platter }) {
  const path = join(temporary, 'fragmented.img')
  const file = await open(path, 'w')
  await file.truncate(EXTENTS * PIECE)
  const page = Buffer.alloc(4096, 1)
  for (let i = 0; i < EXTENTS; i += 2) await file.write(page, 0, page.length, i * PIECE)
  await file.close()
  await pair(`map a raw file of ${EXTENTS.toLocaleString('en')} extents`, {
    ours: async () => timed(process.execPath, [platter, 'map', '--json', path]),
    peer: async () => timed('qemu-img', ['map', '-f', 'raw', '--output=json', path]),
    peerName: 'qemu-img map',
    bar: 10,
  })
}
