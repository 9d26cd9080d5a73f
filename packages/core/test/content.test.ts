import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import type { Seal } from '../src/index.ts'
import { createContent } from '../src/message/content.ts'

const content = (bytes: Uint8Array, seal: Seal | null = null) => createContent('m-1', { body: bytes, seal })
const seal: Seal = { keyId: 'k', encryptedAt: new Date(0), audience: undefined, attributes: {} }
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('content (M8, M12)', () => {
  it('is read as text and as JSON', () => {
    expect(content(utf8('\ufeffé')).text()).toBe('\ufeffé')
    expect(content(utf8('{"a":[1]}')).json()).toEqual({ a: [1] })
  })

  it('has an ArrayBuffer of its own: no neighbour of a pooled buffer can be reached through it', () => {
    const pooled = Buffer.from('neighbours')
    expect(content(pooled).body.buffer.byteLength).toBe(pooled.length)
    expect(content(pooled, seal).body.buffer.byteLength).toBe(pooled.length)
    expect(content(Buffer.from('x')).body.constructor).toBe(Uint8Array)
  })

  it('of a sealed message is not copied again; of a plaintext one it is, since the provider has it too', () => {
    const bytes = utf8('x')
    expect(content(bytes, seal).body.buffer === bytes.buffer).toBe(true)
    expect(content(bytes).body.buffer === bytes.buffer).toBe(false)
  })

  it('shows no body in print, in JSON and to those who ask for neither', () => {
    const opened = content(utf8('4111 1111'), seal)
    expect(opened.body).toHaveLength(9)
    for (const text of [
      inspect(opened),
      inspect(opened, { customInspect: false }),
      JSON.stringify(opened),
      JSON.stringify({ ...opened }),
    ]) {
      expect(text).not.toMatch(/4111|52, ?49/)
      expect(text).toContain('keyId')
    }
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
