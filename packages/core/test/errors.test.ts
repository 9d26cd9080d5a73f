import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { errorLabel } from '../src/base/error-codes.ts'
import { errorClass, locate } from '../src/base/errors.ts'
import { isQueueError, QueueError } from '../src/index.ts'

describe('QueueError (E1–E4)', () => {
  it('knows from its code whether trying again can help, and when', () => {
    const traits = [
      new QueueError('Timeout', ''),
      new QueueError('ConnectionFailed', ''),
      new QueueError('SessionLocked', '', { facts: { lockedUntil: undefined } }),
      new QueueError('Throttled', '', { retryAfterMs: 7 }),
      new QueueError('KeyProviderError', ''),
      new QueueError('AuthenticationFailed', ''),
      new QueueError('ProviderError', '', { facts: { provider: 'p', providerCode: '400' } }),
      new QueueError('ProviderError', '', { facts: { provider: 'p', providerCode: '503' }, isTransient: true }),
    ].map(({ isTransient, retryAfterMs }) => [isTransient, retryAfterMs])
    expect(traits).toEqual([
      [true, 1_000],
      [true, 5_000],
      [true, 5_000],
      [true, 7],
      [true, undefined],
      [false, undefined],
      [false, undefined],
      [true, undefined],
    ])
  })

  it('is recognised by its tag, with its code, and across copies of the package', async () => {
    const error: unknown = new QueueError('KeyNotFound', 'There is no key k.', { facts: { keyId: 'k' } })
    expect(isQueueError(error)).toBe(true)
    expect(isQueueError(error, 'KeyNotFound') && error.facts.keyId).toBe('k')
    expect(isQueueError(error, 'KeyExpired')).toBe(false)
    const otherCopy: typeof import('../src/base/errors.ts') = await import(
      /* @vite-ignore */ `../src/base/errors.ts?${Date.now()}`
    )
    expect(otherCopy.QueueError).not.toBe(QueueError)
    expect(isQueueError(new otherCopy.QueueError('Timeout', ''), 'Timeout')).toBe(true)
    for (const other of [null, undefined, 'Timeout', new Error('x'), { code: 'Timeout' }]) {
      expect(isQueueError(other)).toBe(false)
    }
  })

  it('writes its facts as JSON and carries no cause', () => {
    const error = new QueueError('MessageTooLarge', 'too large', { facts: { size: 2, maxSize: 1 }, queue: 'orders' })
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      name: 'QueueError',
      code: 'MessageTooLarge',
      message: 'too large',
      facts: { size: 2, maxSize: 1 },
      isTransient: false,
      queue: 'orders',
    })
    expect('cause' in error).toBe(false)
    expect(inspect(error)).toContain('MessageTooLarge')
  })

  it('is told its place without losing what it knew', () => {
    const known = new QueueError('ProviderError', 'x', {
      facts: { provider: 'p', providerCode: '503' },
      isTransient: true,
      retryAfterMs: 3,
      messageId: 'm',
    })
    const located = locate(known, { queue: 'orders', operation: 'send', messageId: 'other' })
    expect(located).toMatchObject({ ...known.toJSON(), queue: 'orders', operation: 'send', messageId: 'm' })
    expect(located.stack).toBe(known.stack)
    expect(known.queue).toBeUndefined()
  })

  it('labels metrics by the snake case of its code (O2)', () => {
    expect(errorLabel('AuthenticationFailed')).toBe('authentication_failed')
    expect(errorLabel('KeyNotFound')).toBe('key_not_found')
  })
})

describe('errorClass', () => {
  it('says the class of a foreign error and never its text', () => {
    expect(errorClass(new SyntaxError('secret'))).toBe('SyntaxError')
    expect(errorClass(new QueueError('Timeout', ''))).toBe('Timeout')
    expect(errorClass('secret')).toBe('string')
    expect(errorClass(Object.assign(new Error('x'), { name: 'key=secret' }))).toBe('Error')
    expect(errorClass(Object.assign(new Error('x'), { name: Symbol('secret') }))).toBe('Error')
  })

  it('survives a proxy that throws at every look', () => {
    const { proxy, revoke } = Proxy.revocable(new Error('x'), {})
    revoke()
    expect([isQueueError(proxy), errorClass(proxy)]).toEqual([false, 'Error'])
  })
})
