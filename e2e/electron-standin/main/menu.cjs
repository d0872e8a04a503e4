// `Menu`: templates become items that tests can find and click. Nothing is drawn; accelerators are
// checked for spelling and trigger nothing.
const { EventEmitter } = require('node:events')
const { loudClass } = require('../loud.cjs')
const { state } = require('./state.cjs')

const MODIFIER =
  /^(Command|Cmd|Control|Ctrl|CommandOrControl|CmdOrCtrl|Alt|Option|AltGr|Shift|Super|Meta)$/
const KEY =
  /^([A-Z0-9]|F([1-9]|1[0-9]|2[0-4])|Plus|Space|Tab|Backspace|Delete|Insert|Return|Enter|Up|Down|Left|Right|Home|End|PageUp|PageDown|Esc|Escape|[[\]\\;',./`=-])$/i

function checkAccelerator(accelerator) {
  const parts = accelerator.split('+')
  const key = parts.pop()
  if (!KEY.test(key) || !parts.every((part) => MODIFIER.test(part))) {
    throw new Error(`electron stand-in: ${accelerator} is not an accelerator`)
  }
}

class MenuItem {
  constructor(options) {
    if (options.accelerator !== undefined) checkAccelerator(options.accelerator)
    const { submenu, click, ...rest } = options
    const type = submenu === undefined ? 'normal' : 'submenu'
    Object.assign(this, { enabled: true, visible: true, checked: false, type }, rest)
    if (rest.label === undefined && rest.role === undefined && this.type !== 'separator') {
      throw new TypeError('Invalid template for MenuItem: it has no label, role or type')
    }
    if (Array.isArray(submenu)) this.submenu = Menu.buildFromTemplate(submenu)
    this.click = () => click?.(this, [...state.windows][0], {})
  }
}

class Menu extends EventEmitter {
  static #application = null
  items = []

  static buildFromTemplate(template) {
    const menu = new Menu()
    menu.items = template.map((options) => new MenuItem(options))
    return menu
  }

  static setApplicationMenu(menu) {
    Menu.#application = menu
  }

  static getApplicationMenu() {
    return Menu.#application
  }

  getMenuItemById(id) {
    for (const item of this.items) {
      const found = item.id === id ? item : (item.submenu?.getMenuItemById(id) ?? null)
      if (found !== null) return found
    }
    return null
  }
}

loudClass('Menu', Menu)
module.exports = { Menu }
