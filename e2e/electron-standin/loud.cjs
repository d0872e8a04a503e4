// What the stand-in does not provide must not look like an undefined value that happens to work: asking
// for it throws, and names it. The check hangs at the end of the prototype chain, so that own
// properties, private fields and assignments by tests behave as on any object.

/** Names that the language itself asks every object for. */
const ASKED_BY_THE_LANGUAGE = new Set(['then', 'toJSON', 'constructor', 'prototype', 'name'])

function missing(what) {
  return new Error(
    `electron stand-in: ${what} is not provided; see README.md beside it for what is`,
  )
}

function loudPrototype(label, base) {
  return new Proxy(base, {
    get(target, key, receiver) {
      if (key in target || typeof key === 'symbol' || ASKED_BY_THE_LANGUAGE.has(key)) {
        return Reflect.get(target, key, receiver)
      }
      throw missing(`${label}.${key}`)
    },
  })
}

/** The object itself, from now on loud about what it lacks. */
function loud(label, object) {
  Object.setPrototypeOf(object, loudPrototype(label, Object.getPrototypeOf(object)))
  return object
}

/** The same for all instances of a class, and for its static side. */
function loudClass(label, ofClass) {
  loud(label, ofClass.prototype)
  return loud(label, ofClass)
}

module.exports = { loud, loudClass, missing }
