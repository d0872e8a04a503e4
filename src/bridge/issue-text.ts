// The first problem that zod found, as one sentence of ours: which field, what it is, what it should be.
// Long values are described, never repeated.

import type { z } from 'zod'

type Issue = z.core.$ZodIssue

export function sentenceOf(error: z.ZodError, input: unknown): string {
  const issue = error.issues[0]
  if (issue === undefined) return 'the parameters are not as the contract says'
  return `${fieldOf(issue.path)} ${problemOf(issue, valueAt(input, issue.path))}`
}

const fieldOf = (path: readonly PropertyKey[]): string =>
  path.length === 0
    ? 'the parameter object'
    : path
        .map((key, index) =>
          typeof key === 'number' ? `[${key}]` : `${index === 0 ? '' : '.'}${String(key)}`,
        )
        .join('')

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let value = input
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined
    value = (value as Record<PropertyKey, unknown>)[key]
  }
  return value
}

function problemOf(issue: Issue, value: unknown): string {
  if (value === undefined) return 'is missing'
  const is = `is ${describe(value)}`
  switch (issue.code) {
    case 'invalid_type':
      return `${is}, not ${NOUNS[issue.expected] ?? issue.expected}`
    case 'too_small':
      return typeof value === 'number'
        ? `${is}, below the smallest allowed ${issue.minimum}`
        : `${is}, shorter than the ${issue.minimum} allowed`
    case 'too_big':
      return typeof value === 'number'
        ? `${is}, above the largest allowed ${issue.maximum}`
        : `${is}, longer than the ${issue.maximum} allowed`
    case 'invalid_value':
      return `${is}, not one of ${issue.values.join(', ')}`
    case 'unrecognized_keys':
      return `has a field that is not known: ${describe(issue.keys[0])}`
    case 'invalid_union':
      return `${is}, none of the kinds that are allowed`
    case 'custom':
      return typeof value === 'object' ? issue.message : `${is}, ${issue.message}`
    default:
      return `${is}, which is not allowed`
  }
}

const NOUNS: Readonly<Record<string, string>> = {
  int: 'a whole number below 2^53',
  number: 'a number',
  string: 'text',
  boolean: 'true or false',
  object: 'an object',
  array: 'a list',
}

const MAX_SHOWN_LENGTH = 40

function describe(value: unknown): string {
  if (value === null) return 'null'
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (typeof value === 'string') {
    return value.length <= MAX_SHOWN_LENGTH
      ? JSON.stringify(value)
      : `text of ${value.length} characters`
  }
  return Array.isArray(value) ? `a list of ${value.length}` : 'an object'
}
