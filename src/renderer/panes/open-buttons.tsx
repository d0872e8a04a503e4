import { FolderOpen, Network } from 'lucide-react'
import { ActionIcon } from './action-button'

/** The two ways to open something, beside the tabs. */
export function OpenButtons() {
  return (
    <>
      <ActionIcon id="file.open-image" icon={FolderOpen} />
      <ActionIcon id="file.open-nbd" icon={Network} />
    </>
  )
}
