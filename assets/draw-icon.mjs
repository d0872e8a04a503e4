// node assets/draw-icon.mjs: draws icon.svg, and icon.png from it with Chromium. The icon is what Platter
// shows: a disk in tracks of blocks, most of them data, some empty, one run of them staged.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { chromium } from '@playwright/test'

const SIZE = 512
const CENTRE = SIZE / 2
const GAP = 7

const COLOURS = { d: '#32aaef', z: '#4d6a80', h: '#262d36', s: '#f2a71b' }
/** From the outside in; a letter a block, beginning at the top and going right. */
const TRACKS = [
  { radius: 196, width: 42, blocks: 'ddssshhdddzzddddhhhhddzz' },
  { radius: 147, width: 42, blocks: 'dshhdddddzhhhhddzd' },
  { radius: 98, width: 42, blocks: 'ddzhhhddddzz' },
]

function point(radius, angle) {
  const x = CENTRE + radius * Math.sin(angle)
  const y = CENTRE - radius * Math.cos(angle)
  return `${x.toFixed(2)} ${y.toFixed(2)}`
}

/** A block of a track: the gaps beside it are as wide inside as outside. */
function block({ radius, width, blocks }, index) {
  const [outer, inner] = [radius + width / 2, radius - width / 2]
  const step = (2 * Math.PI) / blocks.length
  const edge = (at, side, r) => point(r, at + (side * GAP) / 2 / r)
  const [from, to] = [index * step, (index + 1) * step]
  const path = [
    `M${edge(from, 1, outer)}`,
    `A${outer} ${outer} 0 0 1 ${edge(to, -1, outer)}`,
    `L${edge(to, -1, inner)}`,
    `A${inner} ${inner} 0 0 0 ${edge(from, 1, inner)}Z`,
  ].join('')
  return `<path fill="${COLOURS[blocks[index]]}" d="${path}"/>`
}

const blocks = TRACKS.flatMap((track) => [...track.blocks].map((_, index) => block(track, index)))
const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${SIZE} ${SIZE}">
<title>Platter</title>
<defs>
<linearGradient id="ground" x2="0" y2="1">
<stop stop-color="#20262f"/><stop offset="1" stop-color="#0d1014"/>
</linearGradient>
</defs>
<rect width="${SIZE}" height="${SIZE}" rx="112" fill="url(#ground)"/>
<rect x="1.5" y="1.5" width="${SIZE - 3}" height="${SIZE - 3}" rx="110.5" fill="none" stroke="#ffffff" stroke-opacity=".08" stroke-width="3"/>
<g stroke-linejoin="round">
${blocks.join('\n')}
</g>
<circle cx="${CENTRE}" cy="${CENTRE}" r="48" fill="none" stroke="#dfe6ee" stroke-width="14"/>
<circle cx="${CENTRE}" cy="${CENTRE}" r="14" fill="#dfe6ee"/>
</svg>
`

const at = (name) => join(import.meta.dirname, name)
writeFileSync(at('icon.svg'), svg)

const browser = await chromium.launch({
  executablePath: process.env.PLATTER_CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
})
const page = await browser.newPage({ viewport: { width: SIZE, height: SIZE } })
await page.setContent(`<style>body{margin:0}svg{display:block}</style>${svg}`)
await page.screenshot({ path: at('icon.png'), omitBackground: true })
await browser.close()
