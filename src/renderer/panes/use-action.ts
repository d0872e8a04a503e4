import type { ActionId } from '../../bridge/actions'
import { ACTION_TABLE } from '../actions/action-table'
import { ariaKey, type KeyPlatform, keyCaps } from '../actions/key-match'
import { keyPlatform } from '../actions/key-platform'
import { reachableKeys } from '../actions/reachable-keys'
import { actionData, runAction } from '../actions/run-action'
import { useApp, useAppState } from '../state/use-app'

export const usePlatform = (): KeyPlatform => keyPlatform(navigator.platform)

export interface BoundAction {
  readonly title: string
  readonly enabled: boolean
  /** Of the first key; empty when it has none. */
  readonly caps: readonly string[]
  readonly ariaKeys: string | undefined
  run(): void
}

/** An action as a button or menu item needs it. */
export function useAction(id: ActionId): BoundAction {
  const app = useApp()
  const platform = usePlatform()
  const enabled = useAppState((state) => ACTION_TABLE[id].enabled(state))
  const host = useAppState((state) => state.host?.host)
  const { title, keys } = actionData(id)
  const [key] = reachableKeys(keys, host)
  return {
    title,
    enabled,
    caps: key === undefined ? [] : keyCaps(key, platform),
    ariaKeys: key === undefined ? undefined : ariaKey(key, platform),
    run: () => void runAction(app, id),
  }
}
