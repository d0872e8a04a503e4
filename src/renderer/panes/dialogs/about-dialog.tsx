import { useAppState } from '../../state/use-app'
import { DialogFrame } from '../../widgets/dialog-frame'
import { FactList } from '../../widgets/fact-list'

export function AboutDialog({ onClose }: { readonly onClose: () => void }) {
  const host = useAppState((state) => state.host)
  const where = host?.host === 'desktop' ? 'desktop application' : 'browser host'
  return (
    <DialogFrame title="Platter" width="narrow" onClose={onClose}>
      <p className="dim">
        Shows what is inside a disk image block by block, and stages changes beside it until they
        are committed.
      </p>
      <div className="flush">
        <FactList
          facts={[
            { name: 'Version', value: host?.version ?? 'not known' },
            {
              name: 'Host',
              value: host === undefined ? 'not known' : `${where}, ${host.platform}`,
            },
          ]}
        />
      </div>
    </DialogFrame>
  )
}
