// Lets vitest load `import create from './x.worker?nodeWorker'`, which electron-vite understands in a
// build but vitest does not: Node 20 cannot start a worker thread from TypeScript. Each worker file is
// bundled into one .mjs below node_modules, and the import becomes a function that starts it.
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { build } from 'rolldown'
import type { Plugin } from 'vite'

const SUFFIX = '?nodeWorker'
const VIRTUAL = '\0vitest-node-worker:'

export function vitestNodeWorker(root: string): Plugin {
  const outDir = join(root, 'node_modules', '.vitest-workers')
  return {
    name: 'vitest-node-worker',
    enforce: 'pre',
    async resolveId(id, importer) {
      if (!id.endsWith(SUFFIX)) return
      const found = await this.resolve(id.slice(0, -SUFFIX.length), importer)
      return found === null ? undefined : VIRTUAL + found.id
    },
    async load(id) {
      if (!id.startsWith(VIRTUAL)) return
      const source = id.slice(VIRTUAL.length)
      const name = createHash('sha256').update(source).digest('hex').slice(0, 16)
      const file = join(outDir, `${name}.mjs`)
      const result = await build({
        input: source,
        platform: 'node',
        external: [/^[^./]/],
        output: { file, format: 'esm', sourcemap: 'inline', codeSplitting: false },
      })
      for (const chunk of result.output) {
        if (chunk.type === 'chunk') for (const part of chunk.moduleIds) this.addWatchFile(part)
      }
      return [
        `import { Worker } from 'node:worker_threads'`,
        `export default (options) => new Worker(${JSON.stringify(file)}, options)`,
      ].join('\n')
    },
  }
}
