import type { SessionInfo } from '../../bridge/model'
import { formatExact, formatSize } from '../../engine/base/size-text'
import { type Fact, FactList } from '../widgets/fact-list'
import { Problem } from '../widgets/problem'
import { Section } from '../widgets/section'

const KIND_WORDS = { file: 'File', nbd: 'NBD server', sample: 'Sample' } as const

export function ImageFacts({ session }: { readonly session: SessionInfo }) {
  const { image, trouble } = session
  return (
    <Section title="Image">
      <FactList facts={factsOf(session)} />
      {trouble && (
        <div className="sidebar-note">
          <Problem>{trouble.message}</Problem>
        </div>
      )}
      {!image.hasExtents && (
        <div className="sidebar-note">
          <Problem tone="warning">
            This source cannot tell data from holes, so all of it counts as data.
          </Problem>
        </div>
      )}
    </Section>
  )
}

function factsOf({ image, blockSize, fileSystem }: SessionInfo): Fact[] {
  const { locator, size, allocated, format } = image
  const { minimum, preferred } = image.blockSize
  return [
    { name: KIND_WORDS[image.kind], value: lastPart(locator), title: locator },
    { name: 'Format', value: format },
    ...(fileSystem === undefined ? [] : [{ name: 'File system', value: fileSystem }]),
    sizeFact('Size', size),
    ...(allocated === undefined ? [] : [sizeFact('Takes on disk', allocated)]),
    { name: 'Staging block', ...sizeText(blockSize) },
    {
      name: 'Source blocks',
      value: `${formatSize(minimum)} / ${formatSize(preferred)}`,
      title: `Smallest ${formatExact(minimum)}, preferred ${formatExact(preferred)}`,
    },
  ]
}

const lastPart = (locator: string) => locator.split('/').at(-1) || locator

const sizeText = (bytes: number) => ({ value: formatSize(bytes, 2), title: formatExact(bytes) })
const sizeFact = (name: string, bytes: number): Fact => ({ name, ...sizeText(bytes) })
