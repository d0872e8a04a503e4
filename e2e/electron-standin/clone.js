// Structured clone as text, for values that cross between Node and a page. The same source runs on both
// sides: Node loads it, and the page gets it pasted in front of the preload.
//
// A value that JSON has is itself; an array becomes ['list', items]; everything else is an array whose
// first item names its kind. As in the real thing a function throws, and a view drags its whole
// backing buffer along: code that posts a slice of a pooled Buffer sends the pool, here and there.
// Left out: cycles, and two references to one object arriving as one.

;(() => {
  function pack(value) {
    if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
    if (typeof value === 'number') {
      const survivesJson = Number.isFinite(value) && !Object.is(value, -0)
      return survivesJson ? value : ['number', Object.is(value, -0) ? '-0' : String(value)]
    }
    if (value === undefined) return ['undefined']
    if (typeof value === 'bigint') return ['bigint', String(value)]
    if (typeof value !== 'object') throw uncloneable(value)
    return packObject(value)
  }

  function packObject(value) {
    if (Array.isArray(value)) return ['list', value.map(pack)]
    if (value instanceof ArrayBuffer) return ['buffer', toBase64(value)]
    if (ArrayBuffer.isView(value)) {
      const length = value.length ?? value.byteLength
      return ['view', viewKind(value), toBase64(value.buffer), value.byteOffset, length]
    }
    if (value instanceof Date) return ['date', value.getTime()]
    if (value instanceof Map)
      return ['map', [...value].map(([key, item]) => [pack(key), pack(item)])]
    if (value instanceof Set) return ['set', [...value].map(pack)]
    if (value instanceof Error) return ['error', value.name, value.message]
    if (value instanceof Promise || value instanceof WeakMap) throw uncloneable(value)
    return ['object', Object.entries(value).map(([key, item]) => [key, pack(item)])]
  }

  function unpack(packed) {
    if (!Array.isArray(packed)) return packed
    const [kind, content] = packed
    switch (kind) {
      case 'number':
        return Number(content)
      case 'undefined':
        return undefined
      case 'bigint':
        return BigInt(content)
      case 'list':
        return content.map(unpack)
      case 'buffer':
        return fromBase64(content)
      case 'view':
        return new globalThis[content](fromBase64(packed[2]), packed[3], packed[4])
      case 'date':
        return new Date(content)
      case 'map':
        return new Map(content.map(([key, item]) => [unpack(key), unpack(item)]))
      case 'set':
        return new Set(content.map(unpack))
      case 'error':
        return Object.assign(new Error(packed[2]), { name: content })
      case 'object':
        return Object.fromEntries(content.map(([key, item]) => [key, unpack(item)]))
      default:
        throw new Error(`electron stand-in: a cloned value of kind ${kind}`)
    }
  }

  /** A Buffer arrives as the Uint8Array that it is. */
  function viewKind(view) {
    const name = view.constructor.name
    return name === 'Buffer' ? 'Uint8Array' : name
  }

  function uncloneable(value) {
    return new Error(`An object could not be cloned: ${typeof value}`)
  }

  // `toBase64` is in Chromium; `Buffer` is in Node 20.
  function toBase64(buffer) {
    const bytes = new Uint8Array(buffer)
    return bytes.toBase64 === undefined ? Buffer.from(buffer).toString('base64') : bytes.toBase64()
  }

  function fromBase64(text) {
    if (Uint8Array.fromBase64 !== undefined) return Uint8Array.fromBase64(text).buffer
    const pooled = Buffer.from(text, 'base64')
    return pooled.buffer.slice(pooled.byteOffset, pooled.byteOffset + pooled.byteLength)
  }

  globalThis.standinClone = { pack, unpack }
})()
