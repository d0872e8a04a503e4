import { Check, Copy } from 'lucide-react'
import { useEffect, useState } from 'react'
import { IconButton } from './button'

const SHOWN_MS = 1500

interface CopyButtonProps {
  readonly label: string
  readonly onCopy: () => Promise<void>
}

export function CopyButton({ label, onCopy }: CopyButtonProps) {
  const [copied, setCopied] = useState(false)
  useEffect(() => {
    if (!copied) return
    const timer = setTimeout(() => setCopied(false), SHOWN_MS)
    return () => clearTimeout(timer)
  }, [copied])
  const copy = () => onCopy().then(() => setCopied(true))
  return (
    <IconButton
      icon={copied ? Check : Copy}
      label={copied ? 'Copied' : label}
      small
      onClick={copy}
    />
  )
}
