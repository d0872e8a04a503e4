interface KeyCapsProps {
  /** As keyCaps() gives them. */
  readonly caps: readonly string[]
}

export function KeyCaps({ caps }: KeyCapsProps) {
  return (
    <span className="keycaps" aria-hidden>
      {caps.map((cap) => (
        <kbd className="keycap" key={cap}>
          {cap}
        </kbd>
      ))}
    </span>
  )
}
