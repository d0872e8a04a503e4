import type { Settings } from '../../../bridge/model'
import { formatSize } from '../../../engine/base/size-text'
import { useApp, useAppState } from '../../state/use-app'
import { DialogFrame } from '../../widgets/dialog-frame'
import { Pick } from '../../widgets/pick'
import { Problem } from '../../widgets/problem'
import { Segments } from '../../widgets/segments'
import { useAttempt } from '../../widgets/use-attempt'

const THEMES = [
  { value: 'system', text: 'System' },
  { value: 'light', text: 'Light' },
  { value: 'dark', text: 'Dark' },
] as const

const ROWS = [
  { value: '8', text: '8' },
  { value: '16', text: '16' },
  { value: '32', text: '32' },
] as const

const BYTES_PER_ROW = { 8: 8, 16: 16, 32: 32 } as const

/** 4 KiB to 2 MiB. */
const BLOCK_SIZES = Array.from({ length: 10 }, (_, i) => 4096 * 2 ** i)

/** Every change takes effect, and is kept by the host, at once. */
export function SettingsDialog({ onClose }: { readonly onClose: () => void }) {
  const app = useApp()
  const settings = useAppState((state) => state.settings)
  const attempt = useAttempt()
  const change = (part: Partial<Settings>) =>
    attempt.start(async () => {
      const { value } = await app.request('settings.set', { settings: part })
      app.store.getState().setSettings(value)
    })
  return (
    <DialogFrame title="Settings" onClose={onClose}>
      <div className="setting">
        <span className="field-label">Theme</span>
        <Segments
          label="Theme"
          value={settings.theme}
          options={THEMES}
          onChange={(theme) => change({ theme })}
        />
      </div>
      <div className="setting">
        <span className="field-label">Bytes in a row</span>
        <Segments
          label="Bytes in a row"
          value={`${settings.bytesPerRow}`}
          options={ROWS}
          onChange={(value) => change({ bytesPerRow: BYTES_PER_ROW[value] })}
        />
      </div>
      <div className="setting">
        <span className="field-label">Staging block</span>
        <Pick
          label="Staging block"
          value={settings.blockSize}
          options={BLOCK_SIZES}
          textOf={(size) => formatSize(size)}
          onChange={(blockSize) => change({ blockSize })}
        />
        <p className="field-hint">
          The smallest piece that is staged or discarded. Counts for images opened from now on.
        </p>
      </div>
      {attempt.problem !== undefined && <Problem>{attempt.problem}</Problem>}
    </DialogFrame>
  )
}
