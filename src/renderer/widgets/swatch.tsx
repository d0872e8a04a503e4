import type { CellClass } from '../../bridge/model'
import './swatch.css'

/** The mark of a class, as the map draws it. */
export function Swatch({ of }: { readonly of: CellClass }) {
  return <span className={`swatch swatch-${of}`} aria-hidden />
}
