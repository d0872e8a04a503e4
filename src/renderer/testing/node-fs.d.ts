// The one call of Node that a test of the page makes: to read a style sheet as it stands in the source.
declare module 'node:fs' {
  export function readFileSync(path: URL, encoding: 'utf8'): string
}
