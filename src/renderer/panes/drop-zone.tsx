import { useEffect, useState } from 'react'
import { openOrTell } from '../actions/open-image'
import { useApp } from '../state/use-app'
import './welcome.css'

const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') === true

/** The whole window takes files, where a file of the page has a path: in the desktop. */
export function DropZone() {
  const app = useApp()
  const [over, setOver] = useState(false)
  useEffect(() => {
    const { desktop } = app
    const onOver = (event: DragEvent) => {
      if (!hasFiles(event)) return
      event.preventDefault()
      setOver(desktop !== undefined)
    }
    const onLeave = (event: DragEvent) => {
      if (event.relatedTarget === null) setOver(false)
    }
    const onDrop = (event: DragEvent) => {
      setOver(false)
      if (!hasFiles(event)) return
      event.preventDefault()
      if (desktop === undefined) return app.notices.info('Use Open image: a browser hides paths')
      for (const file of event.dataTransfer?.files ?? []) {
        const path = desktop.pathForFile(file)
        if (path !== '') void openOrTell(app, path)
      }
    }
    window.addEventListener('dragover', onOver)
    window.addEventListener('dragleave', onLeave)
    window.addEventListener('drop', onDrop)
    return () => {
      window.removeEventListener('dragover', onOver)
      window.removeEventListener('dragleave', onLeave)
      window.removeEventListener('drop', onDrop)
    }
  }, [app])
  return over ? <div className="drop-zone">Drop to open</div> : null
}
