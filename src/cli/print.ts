import { PlatterError } from '../engine/base/errors'

/** Resolves when all of it was taken, or when its reader wants no more (`platter map … | head`). */
export function print(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error: NodeJS.ErrnoException | null | undefined) => {
      if (error == null || error.code === 'EPIPE') resolve()
      else {
        const message = `standard output: cannot write ${text.length} characters: ${error.message}`
        reject(new PlatterError('IO_ERROR', message, { cause: error }))
      }
    })
  })
}
