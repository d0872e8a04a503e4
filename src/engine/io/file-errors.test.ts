import { describe, expect, it } from 'vitest'
import { AssertionError } from '../base/assert'
import type { ErrorCode } from '../base/errors'
import { PlatterError } from '../base/errors'
import { fileError, fileReason, systemError } from './file-errors'

const error = (code: string) => Object.assign(new Error(`${code}: as Node words it`), { code })

describe('a file error', () => {
  const codes: readonly (readonly [string, ErrorCode])[] = [
    ['ENOENT', 'NOT_FOUND'],
    ['ENOTDIR', 'NOT_FOUND'],
    ['EACCES', 'NO_PERMISSION'],
    ['EPERM', 'NO_PERMISSION'],
    ['EROFS', 'READ_ONLY'],
    ['EISDIR', 'NOT_A_DISK'],
    ['EEXIST', 'ALREADY_EXISTS'],
    ['EBUSY', 'IN_USE'],
    ['ETXTBSY', 'IN_USE'],
    ['ENOSPC', 'NO_SPACE'],
    ['EDQUOT', 'NO_SPACE'],
    ['EFBIG', 'NO_SPACE'],
    ['EMFILE', 'LIMIT'],
    ['EOPNOTSUPP', 'NOT_SUPPORTED'],
    ['EIO', 'IO_ERROR'],
    ['ESOMETHINGNEW', 'IO_ERROR'],
  ]
  for (const [errno, code] of codes) {
    it(`${errno} becomes ${code}, with path, action and errno in the words`, () => {
      const mapped = fileError(error(errno), '/d.img', 'cannot read 512 bytes at offset 0')
      expect(mapped.code).toBe(code)
      expect(mapped.message).toMatch(/^\/d\.img: cannot read 512 bytes at offset 0: /)
      expect(mapped.message.endsWith(` (${errno})`)).toBe(true)
      expect(mapped.data).toEqual({ path: '/d.img', errno })
    })
  }

  it('leaves a failure alone that has a code of ours already', () => {
    const ours = new PlatterError('ABORTED', 'read: cancelled')
    expect(fileError(ours, '/d.img', 'cannot read')).toBe(ours)
  })

  it('never takes a bug of ours for a failure of the world', () => {
    const bug = new AssertionError('this cannot be')
    expect(() => fileError(bug, '/d.img', 'cannot read')).toThrow(bug)
  })

  it('can say why alone', () => {
    expect(fileReason(error('EACCES'))).toBe('permission denied (EACCES)')
  })

  it('knows the errno of calls that Node did not make', () => {
    expect(fileError(systemError(28, 'fallocate'), '/d', 'cannot zero').code).toBe('NO_SPACE')
    const odd = fileError(systemError(9999, 'lseek'), '/d', 'cannot map')
    expect(odd.code).toBe('IO_ERROR')
    expect(odd.message).toContain('9999')
  })
})
