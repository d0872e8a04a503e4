import { Dialog } from '@base-ui/react/dialog'
import { X } from 'lucide-react'
import { type FormEvent, type ReactNode, type RefObject, useRef } from 'react'
import { buttonClass, ICON_SIZE } from './button'
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
  /** The dialog itself when absent, so that Enter does nothing unasked. */
  readonly initialFocus?: RefObject<HTMLElement | null>
}

export function DialogFrame(props: DialogFrameProps) {
  const { title, onClose, children, footer, onSubmit, width = 'middle', initialFocus } = props
  const popup = useRef<HTMLDivElement>(null)
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
            ref={popup}
            initialFocus={initialFocus ?? popup}
          >
            <header className="dialog-head">
              <Dialog.Title className="dialog-title">{title}</Dialog.Title>
              <Dialog.Close
                className={buttonClass({ look: 'quiet', small: true }, true)}
                aria-label="Close"
              >
                <X size={ICON_SIZE} aria-hidden />
              </Dialog.Close>
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
