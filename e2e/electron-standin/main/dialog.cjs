// `dialog` and `shell`. A native dialog waits for a person, and here nobody sits in front of it: a test
// replaces the function beforehand with what the person answers, as it would on the real Electron, or
// looks at `standinShown` for what is waiting and answers that.
const { loud } = require('../loud.cjs')

const shown = []

function waitForAnswer(kind) {
  return (...args) =>
    new Promise((resolve) => {
      // The window may be left out.
      const options = args.at(-1)
      shown.push({ kind, options, answer: resolve })
    })
}

const dialog = loud('dialog', {
  standinShown: shown,
  showOpenDialog: waitForAnswer('open'),
  showSaveDialog: waitForAnswer('save'),
  showMessageBox: waitForAnswer('message'),
  showErrorBox: (title, content) => console.error(`error box: ${title}: ${content}`),
})

module.exports = { dialog }
