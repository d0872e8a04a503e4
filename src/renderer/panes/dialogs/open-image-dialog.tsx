// Looks through the directories of the host, where there is no native dialog.

import { File, Folder } from 'lucide-react'
import { useRef, useState } from 'react'
import type { Directory, DirectoryEntry } from '../../../bridge/model'
import { formatSize } from '../../../engine/base/size-text'
import { asksAboutBase, openLocator } from '../../actions/open-image'
import { messageOf } from '../../state/app'
import { useAnswer } from '../../state/use-answer'
import { useApp } from '../../state/use-app'
import { Button, ICON_SIZE } from '../../widgets/button'
import { type Column, DataGrid, type RowCells } from '../../widgets/data-grid'
import { DialogFrame } from '../../widgets/dialog-frame'
import { Problem } from '../../widgets/problem'
import { TextField } from '../../widgets/text-field'
import { useAttempt } from '../../widgets/use-attempt'

const COLUMNS: readonly Column[] = [
  { key: 'name', title: 'Name', width: '1fr' },
  { key: 'size', title: 'Size', width: '90px', align: 'end' },
]

const UP: DirectoryEntry = { name: '..', kind: 'directory' }
const noWindow = () => {}

export function OpenImageDialog({ onClose }: { readonly onClose: () => void }) {
  const app = useApp()
  const browse = useBrowsing()
  const input = useRef<HTMLInputElement>(null)
  const attempt = useAttempt()
  const openIt = async (locator: string) => {
    try {
      await openLocator(app, locator)
      onClose()
    } catch (error) {
      if (!asksAboutBase(app, locator, error)) throw error
    }
  }
  const open = (locator: string) =>
    attempt.start(async () => {
      await openIt(locator)
    })
  /** What was typed may be either: only the host knows. */
  const submit = () =>
    attempt.start(async () => {
      const target = browse.text.trim()
      const listed = await app.request('files.list', { path: target }).catch(() => undefined)
      if (listed !== undefined) return browse.goInto(listed.value.path)
      await openIt(target)
    })
  const problem = attempt.problem ?? browse.problem
  return (
    <DialogFrame
      title="Open image"
      width="wide"
      onClose={onClose}
      onSubmit={submit}
      initialFocus={input}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button look="primary" type="submit" disabled={browse.text === '' || attempt.pending}>
            Open
          </Button>
        </>
      }
    >
      <TextField
        label="Path on the host"
        mono
        value={browse.text}
        onChange={browse.type}
        inputRef={input}
      />
      <FileList
        directory={browse.directory}
        onDirectory={browse.goInto}
        onFile={open}
        onType={browse.type}
      />
      {problem !== undefined && <Problem>{problem}</Problem>}
    </DialogFrame>
  )
}

/** The directory that is listed, and the text of the field: its path, unless something was typed. */
function useBrowsing() {
  const [path, setPath] = useState<string>()
  const [typed, setTyped] = useState<string>()
  const answer = useAnswer('files.list', path === undefined ? {} : { path })
  const directory = answer.got?.value
  return {
    directory,
    text: typed ?? directory?.path ?? '',
    problem: answer.error === undefined ? undefined : messageOf(answer.error),
    type: setTyped,
    goInto(next: string) {
      setPath(next)
      setTyped(undefined)
    },
  }
}

interface FileListProps {
  readonly directory: Directory | undefined
  readonly onDirectory: (path: string) => void
  readonly onFile: (path: string) => void
  /** Of the chosen row; undefined for a directory. */
  readonly onType: (path: string | undefined) => void
}

function FileList({ directory, onDirectory, onFile, onType }: FileListProps) {
  // Another directory is another list, which begins at its first row; the keyboard stays in it.
  const [row, setRow] = useState<{ path: string; index: number }>()
  const chosen = row?.path === directory?.path ? row?.index : 0
  const entries = directory === undefined ? [] : entriesOf(directory)
  const use = (index: number) => {
    const entry = entries[index]
    if (entry === undefined || directory === undefined) return
    if (entry === UP) onDirectory(directory.parent ?? directory.path)
    else if (entry.kind === 'directory') onDirectory(join(directory.path, entry.name))
    else onFile(join(directory.path, entry.name))
  }
  const choose = (index: number) => {
    const entry = entries[index]
    if (directory === undefined || entry === undefined) return
    setRow({ path: directory.path, index })
    onType(entry.kind === 'file' ? join(directory.path, entry.name) : undefined)
  }
  return (
    <div className="file-list">
      <DataGrid
        label="Files"
        columns={COLUMNS}
        rowCount={entries.length}
        cells={(index) => fileCells(entries[index])}
        chosen={chosen}
        onChoose={choose}
        onUse={use}
        onWindow={noWindow}
      />
      {directory?.truncated && <p className="sample-more">There is more than can be listed.</p>}
    </div>
  )
}

const entriesOf = ({ parent, entries }: Directory): readonly DirectoryEntry[] =>
  parent === undefined ? entries : [UP, ...entries]

/** The host's separator is the one its path has. */
function join(directory: string, name: string): string {
  const separator = directory.includes('\\') && !directory.includes('/') ? '\\' : '/'
  return directory.endsWith(separator) ? directory + name : directory + separator + name
}

function fileCells(entry: DirectoryEntry | undefined): RowCells | undefined {
  if (entry === undefined) return undefined
  const Icon = entry.kind === 'directory' ? Folder : File
  const size = entry.size === undefined ? '' : formatSize(entry.size)
  return {
    name: (
      <span className="file-name">
        <Icon size={ICON_SIZE} aria-hidden />
        {entry.name}
      </span>
    ),
    size: <span className="mono dim">{size}</span>,
  }
}
