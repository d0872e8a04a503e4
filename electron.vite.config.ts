import { resolve } from 'node:path'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'electron-vite'

const at = (path: string) => resolve(import.meta.dirname, path)

// Only koffi stays outside the bundles: it finds its binary beside itself. The command line runs on
// plain Node 20, so what it needs must not be looked up in node_modules of a development install.
const external = ['electron', 'koffi', 'bufferutil', 'utf-8-validate']

export default defineConfig({
  main: {
    build: {
      target: 'node20.19',
      outDir: 'out/main',
      externalizeDeps: false,
      rolldownOptions: {
        input: { index: at('src/main/index.ts'), cli: at('src/cli/index.ts') },
        external,
      },
    },
  },
  preload: {
    build: {
      outDir: 'out/preload',
      externalizeDeps: false,
      rolldownOptions: {
        input: { index: at('src/preload/index.ts') },
        external: ['electron'],
        output: { format: 'cjs', entryFileNames: '[name].cjs' },
      },
    },
  },
  renderer: {
    root: at('src/renderer'),
    plugins: [react()],
    build: {
      outDir: at('out/renderer'),
      minify: true,
      // One page from one disk: there is nothing to gain from loading it in pieces.
      chunkSizeWarningLimit: 2048,
      assetsInlineLimit: 0,
      rolldownOptions: { input: at('src/renderer/index.html') },
    },
  },
})
