// Lets vitest load `import create from './x.worker?nodeWorker'`, which electron-vite understands in a
// build but vitest does not: Node 20 cannot start a worker thread from TypeScript. Each worker file is
// bundled into one .mjs below node_modules, and the import becomes a function that starts it.
// `import path from './x?nodeProgram'` bundles in the same way and becomes the path of the .mjs, for tests
// that start (and kill) a process of their own.
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { build, type RolldownPlugin } from 'rolldown'
import type { Plugin } from 'vite'

const WORKER = '?nodeWorker'
const PROGRAM = '?nodeProgram'
const VIRTUAL = '\0vitest-node:'

export function vitestNodeWorker(root: string): Plugin {
  const outDir = join(root, 'node_modules', '.vitest-workers')
  return {
    name: 'vitest-node-worker',
    enforce: 'pre',
    async resolveId(id, importer) {
      const suffix = [WORKER, PROGRAM].find((one) => id.endsWith(one))
      if (suffix === undefined) return
      const found = await this.resolve(id.slice(0, -suffix.length), importer)
      return found === null ? undefined : VIRTUAL + found.id + suffix
    },
    async load(id) {
      if (!id.startsWith(VIRTUAL)) return
      const isProgram = id.endsWith(PROGRAM)
      const source = id.slice(VIRTUAL.length, -(isProgram ? PROGRAM : WORKER).length)
      const name = createHash('sha256').update(source).digest('hex').slice(0, 16)
      const file = join(outDir, `${name}.mjs`)
      const result = await build({
        input: source,
        platform: 'node',
        // A program may start workers.
        plugins: [vitestNodeWorker(root) as RolldownPlugin],
        external: [/^[^./\0]/],
        output: { file, format: 'esm', sourcemap: 'inline', codeSplitting: false },
      })
      for (const chunk of result.output) {
        if (chunk.type === 'chunk') for (const part of chunk.moduleIds) this.addWatchFile(part)
      }
      if (isProgram) return `export default ${JSON.stringify(file)}`
      return [
        `import { Worker } from 'node:worker_threads'`,
        `export default (options) => new Worker(${JSON.stringify(file)}, options)`,
      ].join('\n')
    },
  }
}
