import { defineConfig } from 'vitest/config'
import { vitestNodeWorker } from './scripts/vitest-node-worker.ts'

const plugins = [vitestNodeWorker(import.meta.dirname)]

export default defineConfig({
  test: {
    projects: [
      {
        plugins,
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'e2e/**/*.test.ts'],
          exclude: ['**/*.interop.test.ts'],
          testTimeout: 20_000,
        },
      },
      {
        plugins,
        test: {
          name: 'interop',
          include: ['src/**/*.interop.test.ts'],
          testTimeout: 60_000,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
