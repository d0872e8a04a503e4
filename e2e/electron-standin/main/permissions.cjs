// What session.setPermissionCheckHandler says, told to Chromium for the permissions that both name.
const { SUFFIX } = require('./session.cjs')

const PERMISSIONS = {
  'clipboard-sanitized-write': { name: 'clipboard-write' },
  'clipboard-read': { name: 'clipboard-read' },
  geolocation: { name: 'geolocation' },
  notifications: { name: 'notifications' },
}

async function applyPermissions(devtools, contents) {
  const check = contents.session.standinPermissionCheck ?? (() => true)
  for (const [name, permission] of Object.entries(PERMISSIONS)) {
    const setting = check(contents, name, 'platter://app', {}) ? 'granted' : 'denied'
    await devtools.call('Browser.setPermission', {
      permission,
      setting,
      origin: `https://app.platter${SUFFIX}`,
    })
  }
}

module.exports = { applyPermissions }
