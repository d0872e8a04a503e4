import '@fontsource-variable/inter'
import '@fontsource-variable/jetbrains-mono'
import './theme/palette.css'
import './theme/tokens.css'
import './theme/base.css'
import './theme/controls.css'
import { createRoot } from 'react-dom/client'
import { ensure } from '../engine/base/assert'
import { keyPlatform } from './actions/key-platform'
import { listenForKeys } from './actions/run-action'
import { App } from './app'
import { startApp } from './start-app'
import { createToastManager } from './widgets/toasts'

const toasts = createToastManager()
const app = startApp(window, toasts)
listenForKeys(app, window, keyPlatform(navigator.platform))
const root = ensure(document.getElementById('root'), 'a root element')
createRoot(root).render(<App app={app} toasts={toasts} />)
