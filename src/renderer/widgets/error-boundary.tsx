import { Component, type ReactNode } from 'react'
import { Button } from './button'
import { Problem } from './problem'

interface ErrorBoundaryProps {
  /** The part of the page that is inside, for the sentence. */
  readonly what: string
  readonly children: ReactNode
}

interface ErrorBoundaryState {
  readonly error: Error | undefined
}

/** A bug of ours in one part of the page leaves the others standing. */
export class ErrorBoundary extends Component<ErrorBoundaryProps, ErrorBoundaryState> {
  override state: ErrorBoundaryState = { error: undefined }

  static getDerivedStateFromError(error: Error): ErrorBoundaryState {
    return { error }
  }

  override render(): ReactNode {
    const { error } = this.state
    if (error === undefined) return this.props.children
    return (
      <div className="empty">
        <Problem>
          {this.props.what} stopped by a mistake in Platter: {error.message}. Nothing was changed.
        </Problem>
        <Button onClick={() => this.setState({ error: undefined })}>Show it again</Button>
      </div>
    )
  }
}
