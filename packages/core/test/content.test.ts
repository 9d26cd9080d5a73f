import { describe, expect, it } from 'vitest'
import { createContent } from '../src/content.ts'

const content = (bytes: Uint8Array) => createContent('m-1', { body: bytes, seal: null })
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('content (M8, M12)', () => {
  it('is read as text and as JSON', () => {
    expect(content(utf8('\ufeffé')).text()).toBe('\ufeffé')
    expect(content(utf8('{"a":[1]}')).json()).toEqual({ a: [1] })
  })

  it('has an ArrayBuffer of its own: no neighbour of a pooled buffer can be reached through it', () => {
    const pooled = Buffer.from('neighbours')
    expect(content(pooled).body.buffer.byteLength).toBe(pooled.length)
    const alone = utf8('x')
    expect(content(alone).body.buffer).toBe(alone.buffer)
    expect(content(Buffer.from('x')).body.constructor).toBe(Uint8Array)
  })

  it('that is not what it is read as gives InvalidBody, which quotes nothing', () => {
    for (const read of [
      () => content(utf8('{"card":"4111 1111 1111 1111"')).json(),
      () => content(Uint8Array.of(0x34, 0x31, 0xff)).text(),
      () => content(Uint8Array.of(0x34, 0x31, 0xff)).json(),
    ]) {
      const error = (() => {
        try {
          return read()
        } catch (thrown) {
          return thrown
        }
      })()
      expect(error).toMatchObject({ code: 'InvalidBody', messageId: 'm-1' })
      expect(`${JSON.stringify(error)}${String(error)}`).not.toContain('41')
    }
  })
})
