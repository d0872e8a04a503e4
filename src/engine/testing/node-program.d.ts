/** A module bundled for plain Node, by scripts/vitest-node-worker.ts: its path. Tests alone have it. */
declare module '*?nodeProgram' {
  const path: string
  // biome-ignore lint/style/noDefaultExport: it is a path, and has no name of its own.
  export default path
}
