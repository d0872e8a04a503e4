import type { ReactNode } from 'react'
import './fact-list.css'

export interface Fact {
  readonly name: string
  readonly value: ReactNode
  /** The whole value, where the row may cut it off. */
  readonly title?: string
}

/** Names on the left, values on the right, one below the other. */
export function FactList({ facts }: { readonly facts: readonly Fact[] }) {
  return (
    <dl className="fact-list">
      {facts.map(({ name, value, title }) => (
        <div className="fact" key={name}>
          <dt>{name}</dt>
          <dd title={title}>{value}</dd>
        </div>
      ))}
    </dl>
  )
}
