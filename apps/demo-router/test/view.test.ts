import { readdirSync, readFileSync } from 'node:fs'
import { EncryptedMessage } from '@queue-runtime/crypto'
import { describe, expect, it } from 'vitest'
import type { StoredCopy } from '../src/broker/copies.ts'
import { envelopeFields } from '../src/view/envelope-fields.ts'
import { createRecent } from '../src/view/recent.ts'
import type { ViewState } from '../src/view/state.ts'
import { play } from './demo-helpers.ts'

const FOLDER = new URL('../public/', import.meta.url)
const files = readdirSync(FOLDER).filter((name) => !name.endsWith('.json'))

describe('the page', { timeout: 60_000 }, () => {
  it('is served with a policy that lets it load its own files only', async () => {
    const { demo } = await play({ attacks: [], deliveries: [] })
    const types = {
      ...{ '': 'text/html', 'page.css': 'text/css', 'page.js': 'text/javascript', 'icon.svg': 'image/svg+xml' },
      ...{ 'vendor/uplot.js': 'text/javascript', 'vendor/uplot.css': 'text/css' },
    }
    for (const [path, type] of Object.entries(types)) {
      const response = await fetch(`${demo.url}/${path}`)
      expect([path, response.status, response.headers.get('content-type')?.split(';')[0]]).toEqual([path, 200, type])
      expect(response.headers.get('content-security-policy')).toMatch(
        /^default-src 'none'; script-src 'self'; style-src 'self';/,
      )
      expect(response.headers.get('content-security-policy')).toMatch(
        /; require-trusted-types-for 'script'; trusted-types 'none'$/,
      )
      expect(response.headers.get('content-security-policy')).not.toMatch(/unsafe|https?:|\*/)
      expect(response.headers.get('x-content-type-options')).toBe('nosniff')
    }
    for (const path of [
      'tsconfig.json',
      '..%2fpackage.json',
      'vendor/uplot.d.ts',
      'vendor/..%2f..%2fpackage.json',
      'index.html',
    ]) {
      expect([path, (await fetch(`${demo.url}/${path}`)).status]).toEqual([path, 404])
    }
  })

  it.each(files)('%s asks no other host, holds no inline script or style, and writes no HTML from data', (name) => {
    const text = readFileSync(new URL(name, FOLDER), 'utf8')
    expect(text.replaceAll('http://www.w3.org/2000/svg', '')).not.toMatch(/(https?:)?\/\/[a-z]/)
    expect(text).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function/)
    expect(text).not.toMatch(/<script(?![^>]* src=)|<style|\sstyle=|\son[a-z]+=/)
  })

  it('gets at /state.json what the run came to, and never a key or the secret', async () => {
    const { demo, result } = await play()
    const response = await fetch(`${demo.url}/state.json`)
    const text = await response.text()
    const state = JSON.parse(text) as ViewState
    expect(state).toMatchObject({ phase: 'done', failures: [], requests: { ignored: 243, failed: 0 } })
    expect(state.queues).toEqual(JSON.parse(JSON.stringify(result.queues)))
    expect(state.attacks).toEqual(result.attacks)
    expect(state.expectedLines).toBeGreaterThan(6)
    expect(state.messages.length).toBeGreaterThan(50)
    for (const message of state.messages.filter(({ attack }) => attack === null)) {
      expect(message).toMatchObject({
        text: expect.stringMatching(/^\{"/),
        hex: expect.stringMatching(/^51524531/),
        refusal: null,
      })
    }
    const attacked = state.messages.filter(({ attack }) => attack !== null)
    expect(attacked.map(({ attack, refusal, text }) => [attack, refusal, text])).toEqual([
      ['re-post', 'AuthenticationFailed', null],
      ['hold-back', 'MessageExpired', null],
      ['inject-plaintext', 'UnencryptedMessage', null],
      ['move-queue', 'KeyNotFound', null],
      ['swap-bodies', 'AuthenticationFailed', null],
      ['swap-bodies', 'AuthenticationFailed', null],
      ['flip-bit', 'AuthenticationFailed', null],
    ])
  })
})

/** protocol.md 8, the smallest vector: key test-key-1, 2026-01-01, body "hello". */
const VECTOR = Buffer.from(
  '5152453101000000019b76daa8000a0b0c0d0e0f101112131415000000050a746573742d6b65792d3107d856a404df14f36e4ef78ec6ecec1a3dad7872d9',
  'hex',
)

describe('the marked fields of a sealed body', () => {
  it('cover it without gap or overlap', () => {
    const fields = envelopeFields(VECTOR)
    expect(fields.map(({ name, from, to, value }) => [name, from, to, value])).toEqual([
      ['marker', 0, 4, 'QRE1'],
      ['version', 4, 5, '1'],
      ['flags', 5, 6, null],
      ['time', 6, 14, '2026-01-01T00:00:00.000Z'],
      ['nonce', 14, 26, null],
      ['ciphertext length', 26, 30, '5 bytes'],
      ['key id length', 30, 31, '10 bytes'],
      ['key id', 31, 41, 'test-key-1'],
      ['ciphertext', 41, 46, null],
      ['tag', 46, 62, null],
    ])
    expect(EncryptedMessage.fromBytes(VECTOR).keyId).toBe('test-key-1')
  })

  it('are none for anything else', () => {
    expect(envelopeFields(Buffer.from('{}'))).toEqual([])
    expect(envelopeFields(VECTOR.subarray(0, 20))).toEqual([])
  })
})

describe('the recent messages', () => {
  const stored = (id: number): StoredCopy => ({
    ...{ queue: 'merge-warden', key: String(id), messageId: `m-${id}` },
    ...{ body: new Uint8Array(10_000), attributes: {} },
  })

  it('are bounded in number and size, newest first', () => {
    const recent = createRecent()
    for (let id = 0; id < 500; id += 1) recent.stored(stored(id))
    expect(recent.messages).toHaveLength(60)
    expect(recent.messages[0]).toMatchObject({ messageId: 'm-499', storedBytes: 10_000 })
    expect(recent.messages[0]?.hex).toHaveLength(1_024)
  })
})
