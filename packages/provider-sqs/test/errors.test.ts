import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { type FailedEntry, fromEntry, fromSdk } from '../src/sdk-errors.ts'
import { local, never, wire } from './support.ts'

const PLACE = { queue: 'orders', operation: 'send', size: 2_000 }

const sdkError = (
  name: string,
  {
    status = 400,
    message = '',
    code,
    headers,
    skew,
  }: { status?: number; message?: string; code?: string; headers?: Record<string, string>; skew?: boolean } = {},
) =>
  Object.assign(new Error(message), {
    ...{ name, code, $response: { headers } },
    $metadata: { httpStatusCode: status, clockSkewCorrected: skew },
  })

const table: readonly (readonly [string, Error, object])[] = [
  [
    'no queue',
    sdkError('QueueDoesNotExist'),
    { code: 'QueueNotFound', facts: { queue: 'orders' }, isTransient: false },
  ],
  ['no queue, by the old name', sdkError('AWS.SimpleQueueService.NonExistentQueue'), { code: 'QueueNotFound' }],
  ['a bogus handle', sdkError('ReceiptHandleIsInvalid'), { code: 'MessageLockLost' }],
  ['a message that nobody holds', sdkError('MessageNotInflight'), { code: 'MessageLockLost' }],
  [
    'an expired handle',
    sdkError('InvalidParameterValue', {
      message: 'Value x for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.',
    }),
    { code: 'MessageLockLost' },
  ],
  ['a wrong parameter', sdkError('InvalidParameterValue'), { code: 'ProviderError', isTransient: false }],
  ['no permission', sdkError('AccessDenied', { status: 403 }), { code: 'PermissionDenied', isTransient: false }],
  ['no permission, under another name', sdkError('SomethingDenied', { status: 403 }), { code: 'PermissionDenied' }],
  ['no permission for the key of the queue', sdkError('KmsAccessDenied'), { code: 'PermissionDenied' }],
  ['a wrong signature', sdkError('SignatureDoesNotMatch', { status: 403 }), { code: 'CredentialRejected' }],
  ['an unknown key id', sdkError('InvalidClientTokenId', { status: 403 }), { code: 'CredentialRejected' }],
  ['an expired token', sdkError('ExpiredToken', { status: 403 }), { code: 'CredentialRejected' }],
  ['no credentials', sdkError('CredentialsProviderError'), { code: 'CredentialRejected' }],
  [
    'throttling',
    sdkError('RequestThrottled', { status: 403 }),
    { code: 'Throttled', isTransient: true, retryAfterMs: undefined },
  ],
  [
    'throttling with a hint',
    sdkError('ThrottlingException', { headers: { 'retry-after': '3' } }),
    { code: 'Throttled', retryAfterMs: 3_000 },
  ],
  ['status 429', sdkError('Unknown', { status: 429 }), { code: 'Throttled' }],
  ['too many messages held', sdkError('OverLimit'), { code: 'Throttled' }],
  [
    'status 500',
    sdkError('InternalError', { status: 500 }),
    { code: 'ProviderError', isTransient: true, facts: { provider: 'aws.sqs', providerCode: 'InternalError' } },
  ],
  ['status 503', sdkError('ServiceUnavailable', { status: 503 }), { code: 'ProviderError', isTransient: true }],
  [
    'a refused connection',
    sdkError('Error', { code: 'ECONNREFUSED' }),
    {
      code: 'ConnectionFailed',
      isTransient: true,
      retryAfterMs: 5_000,
      message: 'The connection to SQS failed. Node says ECONNREFUSED.',
    },
  ],
  [
    'a code that nobody knows beside a name that is known',
    sdkError('ExpiredToken', { code: 'secret' }),
    { code: 'CredentialRejected', message: 'SQS rejects the credentials, or there are none.' },
  ],
  [
    'a cut connection, which the SDK calls a timeout',
    sdkError('TimeoutError', { code: 'ECONNRESET' }),
    { code: 'ConnectionFailed' },
  ],
  ['an unknown host', sdkError('Error', { code: 'ENOTFOUND' }), { code: 'ConnectionFailed' }],
  [
    'a timeout',
    sdkError('TimeoutError', { code: 'ETIMEDOUT' }),
    { code: 'Timeout', isTransient: true, retryAfterMs: 1_000 },
  ],
  ['a connection that takes too long', sdkError('TimeoutError'), { code: 'Timeout' }],
  ['half an answer', new SyntaxError('Unexpected end of JSON input'), { code: 'ProviderError', isTransient: true }],
  [
    'a clock that was wrong',
    sdkError('SignatureDoesNotMatch', { status: 403, skew: true }),
    { code: 'ProviderError', isTransient: true },
  ],
  ['no region', new Error('Region is missing'), { code: 'Configuration', facts: { field: 'region' } }],
  [
    'too large for this queue',
    sdkError('InvalidParameterValue', {
      message: 'One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes.',
    }),
    { code: 'MessageTooLarge', facts: { size: 2_000, maxSize: 1_024 } },
  ],
  [
    'what nobody knows',
    new TypeError('secret'),
    { code: 'ProviderError', isTransient: false, facts: { providerCode: 'TypeError' } },
  ],
]

describe('an error of the SDK', () => {
  it.for(table)('%s has its code (PS13)', ([, error, expected]) => {
    expect(fromSdk(error, PLACE)).toMatchObject({ queue: 'orders', operation: 'send', ...expected })
  })

  it.for([undefined, null, 'text', 7, {}, { name: 'a\nb' }])('may be %j', (thrown) => {
    expect(fromSdk(thrown, PLACE)).toMatchObject({ code: 'ProviderError' })
  })

  it('leaves its text behind, which may quote a body (E4)', () => {
    for (const [, error] of table) {
      const told = fromSdk(Object.assign(error, { message: `secret ${error.message}`, body: 'secret' }), PLACE)
      expect(inspect(told, { depth: 9, showHidden: true }) + JSON.stringify(told)).not.toContain('secret')
    }
  })
})

const entries: readonly (readonly [FailedEntry, object])[] = [
  [{ Code: 'ReceiptHandleIsInvalid', SenderFault: true }, { code: 'MessageLockLost' }],
  [{ Code: 'AWS.SimpleQueueService.MessageNotInflight', SenderFault: true }, { code: 'MessageLockLost' }],
  [
    { Code: 'InvalidMessageContents', SenderFault: true },
    { code: 'ProviderError', isTransient: false },
  ],
  [
    { Code: 'InternalError', SenderFault: false },
    { code: 'ProviderError', isTransient: true },
  ],
  [
    { Code: 'ThrottlingException', SenderFault: false },
    { code: 'Throttled', isTransient: true },
  ],
  [
    { Code: 'KmsThrottled', SenderFault: true },
    { code: 'Throttled', isTransient: true },
  ],
  [{}, { code: 'ProviderError', isTransient: true }],
]

describe('an entry of a batch that failed', () => {
  it.for(entries)('%j has its code, and a fault of the sender is permanent (PS4)', ([entry, expected]) => {
    expect(fromEntry(entry, PLACE)).toMatchObject(expected)
  })
})

describe('over HTTP', () => {
  const here = local()

  it.for([
    [{ kind: 'error', status: 403, code: 'AccessDenied' }, 'PermissionDenied'],
    [{ kind: 'error', status: 403, code: 'InvalidClientTokenId' }, 'CredentialRejected'],
    [{ kind: 'error', status: 400, code: 'RequestThrottled' }, 'Throttled'],
    [{ kind: 'error', status: 429, code: 'Whatever' }, 'Throttled'],
    [{ kind: 'error', status: 503, code: 'ServiceUnavailable' }, 'ProviderError'],
    [{ kind: 'cut', when: 'before' }, 'ConnectionFailed'],
    [{ kind: 'cut', when: 'after' }, 'ConnectionFailed'],
    [{ kind: 'cut', when: 'amid' }, 'ConnectionFailed'],
  ] as const)('%j gives %s, of a send, a receive and a settlement (PS13)', async ([fault, code], { expect }) => {
    const { sqs, open, queue: make } = here()
    const queue = await make()
    const transport = open(queue)
    await transport.send([wire('hello')], { signal: never })
    const [delivery] = await transport.receive({ maxMessages: 1, waitMs: 1_000, signal: never })
    sqs.inject((call) => (call.queue === queue ? fault : undefined))
    const outcome = await transport.send([wire('more')], { signal: never }).catch((error) => [{ error }])
    expect(outcome).toMatchObject([{ error: { code } }])
    await expect(transport.receive({ maxMessages: 1, waitMs: 0, signal: never })).rejects.toMatchObject({ code })
    await expect(delivery?.complete()).rejects.toMatchObject({ code, operation: 'complete' })
  })

  it('a hint how long to wait is passed on (R3)', async ({ expect }) => {
    const { sqs, open, queue: make } = here()
    const transport = open(await make())
    sqs.inject(() => ({ kind: 'error', status: 503, code: 'ServiceUnavailable', headers: { 'retry-after': '7' } }))
    await expect(transport.receive({ maxMessages: 1, waitMs: 0, signal: never })).rejects.toMatchObject({
      retryAfterMs: 7_000,
    })
  })

  it('nobody listens: ConnectionFailed', async ({ expect }) => {
    const transport = here().open('orders', { endpoint: 'http://127.0.0.1:1' })
    await expect(transport.send([wire('hello')], { signal: never })).rejects.toMatchObject({ code: 'ConnectionFailed' })
  })
})
