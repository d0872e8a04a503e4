import { Toast } from '@base-ui/react/toast'
import { CircleX, Info, X } from 'lucide-react'
import type { Notices } from '../state/app'
import { messageOf } from '../state/app'
import { IconButton } from './button'
import './toasts.css'

export type ToastManager = ReturnType<typeof Toast.createToastManager>

const INFO_MS = 4000
/** A failure stays until it is closed, within reason. */
const PROBLEM_MS = 60_000

export const createToastManager = (): ToastManager => Toast.createToastManager()

export function noticesInto(manager: ToastManager): Notices {
  return {
    problem: (title, error) => {
      const description = messageOf(error)
      manager.add({ title, description, type: 'problem', timeout: PROBLEM_MS, priority: 'high' })
    },
    info: (title, text) => {
      manager.add({ title, type: 'info', timeout: INFO_MS, ...(text && { description: text }) })
    },
  }
}

/** The corner where notices stand. */
export function Toasts({ manager }: { readonly manager: ToastManager }) {
  return (
    <Toast.Provider toastManager={manager} limit={4}>
      <Toast.Portal>
        <Toast.Viewport className="toasts">
          <ToastList />
        </Toast.Viewport>
      </Toast.Portal>
    </Toast.Provider>
  )
}

function ToastList() {
  const { toasts } = Toast.useToastManager()
  return toasts.map((toast) => (
    <Toast.Root key={toast.id} toast={toast} className="toast" swipeDirection={[]}>
      <Toast.Content className="toast-content">
        {toast.type === 'problem' ? (
          <CircleX className="toast-problem" size={16} aria-hidden />
        ) : (
          <Info className="toast-info" size={16} aria-hidden />
        )}
        <div className="toast-text">
          <Toast.Title className="toast-title" />
          <Toast.Description className="toast-description" />
        </div>
        <Toast.Close render={<IconButton icon={X} label="Dismiss" small />} />
      </Toast.Content>
    </Toast.Root>
  ))
}
