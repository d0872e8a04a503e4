import { Dialog } from '@base-ui/react/dialog'
import { X } from 'lucide-react'
import type { FormEvent, ReactNode, RefObject } from 'react'
import { IconButton } from './button'
import './dialog-frame.css'

interface DialogFrameProps {
  readonly title: string
  readonly onClose: () => void
  readonly children: ReactNode
  /** Buttons, the one that acts last. */
  readonly footer?: ReactNode
  /** What Enter in a field does. */
  readonly onSubmit?: () => void
  readonly width?: 'narrow' | 'middle' | 'wide'
  readonly initialFocus?: RefObject<HTMLElement | null>
}

export function DialogFrame(props: DialogFrameProps) {
  const { title, onClose, children, footer, onSubmit, width = 'middle', initialFocus } = props
  const submit = (event: FormEvent) => {
    event.preventDefault()
    onSubmit?.()
  }
  return (
    <Dialog.Root open onOpenChange={(open) => !open && onClose()}>
      <Dialog.Portal>
        <Dialog.Backdrop className="dialog-scrim" />
        <Dialog.Viewport className="dialog-viewport">
          <Dialog.Popup
            className={`dialog ${width}`}
            {...(initialFocus === undefined ? {} : { initialFocus })}
          >
            <header className="dialog-head">
              <Dialog.Title className="dialog-title">{title}</Dialog.Title>
              <Dialog.Close render={<IconButton icon={X} label="Close" small />} />
            </header>
            <form className="dialog-form" onSubmit={submit} noValidate>
              <div className="dialog-body">{children}</div>
              {footer && <footer className="dialog-foot">{footer}</footer>}
            </form>
          </Dialog.Popup>
        </Dialog.Viewport>
      </Dialog.Portal>
    </Dialog.Root>
  )
}
