// Runs in the page's own world before its scripts: makes on `window` what the preload script exposes. No
// object is shared between the worlds; both hear events on `window`, and Chromium clones their details.
;(() => {
  if (window !== window.top) return
  const TO_PAGE = '$EVENT$:page'
  const TO_PRELOAD = '$EVENT$:preload'
  let answer

  function callPreload(path, args) {
    answer = undefined
    // Listeners run before dispatchEvent returns, and the preload's answers by an event of its own.
    window.dispatchEvent(new CustomEvent(TO_PRELOAD, { detail: { path, args } }))
    if (answer === undefined) throw new Error('An object could not be cloned.')
    if (answer.error !== undefined) throw new Error(answer.error)
    return answer.value
  }

  window.addEventListener(TO_PAGE, ({ detail }) => {
    if (detail.kind === 'answer') {
      answer = detail
      return
    }
    const api = { ...detail.values }
    for (const name of detail.functions) {
      api[name] = (...args) => callPreload(`${detail.key}.${name}`, args)
    }
    Object.defineProperty(window, detail.key, { value: Object.freeze(api), enumerable: true })
  })
})()
