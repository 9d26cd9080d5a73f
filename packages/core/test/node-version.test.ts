import { describe, expect, it } from 'vitest'
import { checkNode } from '../src/base/node-version.ts'

describe('a Node', () => {
  it.each(['20.20.2', '18.0.0', '21.7.3'])('that is too old is named: %s (C23)', (version) => {
    expect(() => checkNode(version)).toThrow(
      expect.objectContaining({
        code: 'Configuration',
        facts: { field: 'node' },
        message: `queue-runtime needs Node 22 or newer; this is ${version}.`,
      }),
    )
  })

  it.each(['22.0.0', '24.21.0', '100.1.0', undefined])(
    'that is new enough, or another runtime, is taken: %s',
    (version) => {
      expect(() => checkNode(version)).not.toThrow()
    },
  )
})
