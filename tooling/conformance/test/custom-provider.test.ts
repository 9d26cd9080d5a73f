import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'

const page = readFileSync(new URL('../../../docs/custom-provider.md', import.meta.url), 'utf8')
const [provider = '', conformance = ''] = [...page.matchAll(/^```js\n(.*?)^```/gms)].map(([, code]) => code ?? '')

const folder = mkdtempSync(join(tmpdir(), 'custom-provider-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

writeFileSync(join(folder, 'array-provider.mjs'), provider)
writeFileSync(join(folder, 'conformance.mjs'), conformance)

// The second program of the page registers the cases here.
await import(/* @vite-ignore */ join(folder, 'conformance.mjs'))

describe('docs/custom-provider.md', () => {
  it('fits two screens', () => {
    expect(page.split('\n').length).toBeLessThan(180)
  })
})
