import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { inspect } from 'node:util'
import { ServiceBusError } from '@azure/service-bus'
import { CONDITION } from '@queue-runtime/service-bus-emulator'
import { describe, expect, it } from 'vitest'
import { fromSdk } from '../src/sdk-errors.ts'
import { accept, codeOf, local, never, send, take, wire } from './support.ts'

const PLACE = { queue: 'orders', operation: 'send' }

const sdkError = (code: string, message = 'text', retryable = true): Error =>
  Object.assign(new ServiceBusError(message, 'GeneralError'), { code, retryable })

/** An error of the AMQP library below, or of Node. */
const plain = (name: string, message = 'text', fields: object = {}): Error =>
  Object.assign(new Error(message), { name, ...fields })

const general = (text: string, retryable: boolean): Error => sdkError('GeneralError', text, retryable)

const CLAIMS = "Unauthorized access. 'Send' claim(s) are required to perform this operation. Resource: 'sb://a/b'."

const table: readonly (readonly [string, unknown, object])[] = [
  [
    'no queue',
    sdkError('MessagingEntityNotFound'),
    {
      code: 'QueueNotFound',
      message: 'Service Bus knows no such queue: orders, or as queues.orders.path calls it.',
      facts: { queue: 'orders' },
    },
  ],
  ['a lost lock', sdkError('MessageLockLost', 'text', false), { code: 'MessageLockLost', isTransient: false }],
  ['a message that is gone', sdkError('MessageNotFound'), { code: 'MessageLockLost' }],
  ['a message that is settled', new Error('The message is already settled.'), { code: 'MessageLockLost' }],
  ['a lost session', sdkError('SessionLockLost'), { code: 'SessionLockLost', isTransient: false }],
  [
    'a session of another',
    sdkError('SessionCannotBeLocked'),
    { code: 'SessionLocked', facts: { lockedUntil: undefined }, isTransient: true, retryAfterMs: 5_000 },
  ],
  [
    'a token without the right',
    sdkError('UnauthorizedAccess', CLAIMS),
    { code: 'PermissionDenied', message: 'The identity may not do this: it lacks the right Send to the queue orders.' },
  ],
  [
    'an address that a firewall keeps out',
    sdkError('UnauthorizedAccess', 'Ip has been prevented to connect to the endpoint.'),
    { code: 'PermissionDenied', message: 'The identity may not do this.' },
  ],
  [
    'a token that is no good',
    sdkError('UnauthorizedAccess', 'InvalidSignature: The token has an invalid signature.'),
    { code: 'CredentialRejected', isTransient: false },
  ],
  [
    'the same, from below',
    plain('MessagingError', 'ExpiredToken', { code: 'UnauthorizedError' }),
    { code: 'CredentialRejected' },
  ],
  ['no credential', plain('CredentialUnavailableError'), { code: 'CredentialRejected', isTransient: false }],
  ['no credential of several', plain('AggregateAuthenticationError'), { code: 'CredentialRejected' }],
  ['a busy service', sdkError('ServiceBusy'), { code: 'Throttled', isTransient: true, retryAfterMs: undefined }],
  [
    'a busy service with a hint',
    sdkError('ServiceBusy', 'The entity is being throttled. Please wait 4 seconds and try again.'),
    { code: 'Throttled', retryAfterMs: 4_000 },
  ],
  ['a full queue', sdkError('QuotaExceeded', 'text', false), { code: 'Throttled', isTransient: true }],
  ['a link without credit', general('SenderBusyError: text', true), { code: 'Throttled' }],
  ['no answer', sdkError('ServiceTimeout'), { code: 'Timeout', isTransient: true, retryAfterMs: 1_000 }],
  ['no answer, from below', plain('OperationTimeoutError'), { code: 'Timeout' }],
  ['what the service gave up', general('OperationCancelledError: text', true), { code: 'Timeout' }],
  ['a lost connection', sdkError('ServiceCommunicationProblem'), { code: 'ConnectionFailed', retryAfterMs: 5_000 }],
  ['a link that was cut', general('DetachForcedError: text', true), { code: 'ConnectionFailed', isTransient: true }],
  [
    'a refused connection',
    plain('MessagingError', 'connect ECONNREFUSED 127.0.0.1:1', { code: 'ECONNREFUSED' }),
    { code: 'ConnectionFailed', message: 'The connection to Service Bus failed. Node says ECONNREFUSED.' },
  ],
  [
    'the same, wrapped twice',
    general('GeneralError: ECONNREFUSED: connect ECONNREFUSED 127.0.0.1:1', false),
    { code: 'ConnectionFailed', message: 'The connection to Service Bus failed. Node says ECONNREFUSED.' },
  ],
  ['the same in the text', general('ENOTFOUND: getaddrinfo ENOTFOUND a', false), { code: 'ConnectionFailed' }],
  [
    'a connection that broke below a receive',
    new Error('Unknown error occurred on the AMQP connection while receiving messages.'),
    { code: 'ConnectionFailed', isTransient: true },
  ],
  [
    'a token for a connection that is gone',
    new Error('Attempted to negotiate a claim but the CBS link does not exist.'),
    { code: 'ConnectionFailed' },
  ],
  [
    'an abort of the SDK itself',
    plain('AbortError', 'Link has been permanently closed.'),
    { code: 'ConnectionFailed' },
  ],
  [
    'too large',
    sdkError(
      'MessageSizeExceeded',
      'The received message (delivery-id:0, size:262250 bytes) exceeds the limit (262144 bytes) currently allowed on the link.',
    ),
    { code: 'MessageTooLarge', facts: { size: 262_250, maxSize: 262_144 }, isTransient: false },
  ],
  [
    'a fault of the service',
    general('InternalServerError: text', true),
    {
      code: 'ProviderError',
      isTransient: true,
      facts: { provider: 'servicebus', providerCode: 'InternalServerError' },
    },
  ],
  [
    'what may not be done',
    general('InvalidOperationError: text', false),
    { code: 'ProviderError', isTransient: false, facts: { providerCode: 'InvalidOperationError' } },
  ],
  [
    'a receiver without a session of a queue with sessions',
    general(
      'InvalidOperationError: It is not possible for an entity that requires sessions to create a non-sessionful message receiver. TrackingId:a',
      false,
    ),
    {
      code: 'Configuration',
      message: 'The queue orders was made with sessions: set queues.orders.sessions to true.',
      facts: { field: 'queues.orders.sessions' },
      isTransient: false,
    },
  ],
  [
    'a message without a session for a queue with sessions',
    general(
      'InvalidOperationError: The SessionId was not set on a message, and it cannot be sent to the entity. TrackingId:a',
      false,
    ),
    { code: 'Configuration', facts: { field: 'queues.orders.sessions' } },
  ],
  [
    'a session of a queue without sessions',
    general(
      'InvalidOperationError: A sessionful message receiver cannot be created on an entity that does not require sessions. Ensure RequiresSession is set to true when creating a Queue.',
      false,
    ),
    {
      code: 'Configuration',
      message: 'The queue orders was made without sessions: set queues.orders.sessions to false, or leave it out.',
      facts: { field: 'queues.orders.sessions' },
    },
  ],
  [
    'what may not be done, and has to do with sessions somehow',
    general('InvalidOperationError: The session does not allow it.', false),
    {
      code: 'ProviderError',
      message:
        'Service Bus refused the call: InvalidOperationError. If that is about sessions: queues.orders.sessions must be true for a queue that was made with sessions, and false for any other.',
    },
  ],
  [
    'what may not be done with a queue that is called for its sessions',
    general("InvalidOperationError: No. SystemTracker:a:Queue:session-x, 'sessions'", false),
    { code: 'ProviderError', message: 'Service Bus refused the call: InvalidOperationError.' },
  ],
  [
    'a server that closes at once',
    new Error('Failed to connect'),
    {
      code: 'ConnectionFailed',
      message:
        'The connection to Service Bus failed. The server closed it before it was open: one without TLS does so when the TLS handshake fails, and needs UseDevelopmentEmulator=true in the connection string.',
      isTransient: true,
    },
  ],
  ...['EPROTO', 'ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG'].map(
    (code) =>
      [
        `a TLS handshake that failed with ${code}`,
        plain('MessagingError', 'text', { code }),
        {
          code: 'ConnectionFailed',
          message: `The connection to Service Bus failed. Node says ${code}. The TLS handshake failed: a server without TLS needs UseDevelopmentEmulator=true in the connection string.`,
        },
      ] as const,
  ),
  ['a condition that nobody knows', general('text', true), { code: 'ProviderError', isTransient: true }],
  [
    'a queue that is switched off',
    sdkError('MessagingEntityDisabled', 'text', false),
    { code: 'ProviderError', isTransient: false },
  ],
  ['an error of the language', new TypeError('secret'), { code: 'ProviderError', isTransient: false }],
  [
    'several attempts',
    new AggregateError([sdkError('ServiceTimeout'), sdkError('ServiceBusy')]),
    { code: 'Throttled' },
  ],
  [
    'several addresses of several attempts',
    new AggregateError([sdkError('ServiceBusy'), new AggregateError([plain('Error', 'x', { code: 'ECONNREFUSED' })])]),
    { code: 'ConnectionFailed' },
  ],
  ['no attempt', new AggregateError([]), { code: 'ProviderError', isTransient: true }],
  [
    'a lost lock, as the host of Azure Functions tells it',
    plain('Error', '9 FAILED_PRECONDITION: The lock supplied is invalid. (MessageLockLost)', { code: 9 }),
    { code: 'MessageLockLost' },
  ],
]

describe('an error of the SDK', () => {
  it.for(table)('%s has its code (PA8)', ([, error, expected]) => {
    expect(fromSdk(error, PLACE)).toMatchObject({ queue: 'orders', operation: 'send', ...expected })
  })

  it.for([undefined, null, 'text', 7, {}, { name: 'a\nb' }])('may be %j', (thrown) => {
    expect(fromSdk(thrown, PLACE)).toMatchObject({ code: 'ProviderError' })
  })

  it('leaves its text behind, which may quote anything (E4)', () => {
    for (const [, error] of table) {
      const told = fromSdk(Object.assign(error as Error, { message: `secret ${(error as Error).message}` }), PLACE)
      expect(inspect(told, { depth: 9, showHidden: true }) + JSON.stringify(told)).not.toContain('secret')
    }
  })
})

const RECEIVE = { maxMessages: 1, waitMs: 0, signal: never }

describe('over the wire', () => {
  const here = local()

  it.for([
    [CONDITION.serverBusy, 'Throttled'],
    [CONDITION.resourceLimitExceeded, 'Throttled'],
    [CONDITION.timeout, 'Timeout'],
    [CONDITION.internalError, 'ProviderError'],
    [CONDITION.notAllowed, 'ProviderError'],
    [CONDITION.entityDisabled, 'ProviderError'],
    [CONDITION.unauthorized, 'CredentialRejected'],
    ['x:unknown', 'ProviderError'],
  ] as const)('%s when a link is opened gives %s, of a send and a receive (PA8)', async ([error, code], { expect }) => {
    const { emulator, open, queue: make } = here()
    const queue = make()
    emulator.inject('attach', { error }, { queue })
    const transport = open(queue)
    expect(await codeOf(send(transport, wire('a')))).toBe(code)
    expect(await codeOf(transport.receive(RECEIVE))).toBe(code)
  })

  it.for([
    [CONDITION.serverBusy, 'Throttled'],
    [CONDITION.resourceLimitExceeded, 'Throttled'],
    [CONDITION.internalError, 'ProviderError'],
    [CONDITION.messageTooLarge, 'MessageTooLarge'],
  ] as const)(
    '%s of a message that is sent gives %s, and the next one is sent (PA8)',
    async ([error, code], { expect }) => {
      const { emulator, open, queue: make, look } = here()
      const queue = make()
      const transport = open(queue)
      emulator.inject('send', { error }, { queue, times: 1 })
      expect(await codeOf(send(transport, wire('a')))).toBe(code)
      expect(await codeOf(send(transport, wire('b')))).toBe('done')
      expect(look(queue).messages()).toHaveLength(1)
    },
  )

  it.for([
    [CONDITION.messageLockLost, 'MessageLockLost'],
    [CONDITION.serverBusy, 'Throttled'],
    [CONDITION.internalError, 'ProviderError'],
  ] as const)('%s of a settlement gives %s (PA8)', async ([error, code], { expect }) => {
    const { emulator, open, queue: make } = here()
    const queue = make()
    const transport = open(queue)
    await send(transport, wire('a'))
    const delivery = await take(transport)
    emulator.inject('settle', { error }, { queue, times: 1 })
    await expect(delivery.complete()).rejects.toMatchObject({ code, operation: 'complete' })
  })

  it('a queue that does not exist is named, by all that can be asked of it (A2)', async ({ expect }) => {
    const { open } = here()
    const transport = open('nowhere', { queues: { sessions: { path: 'nowhere-else', sessions: true } } })
    const calls = [
      () => send(transport, wire('a')),
      () => transport.receive(RECEIVE),
      async () => transport.probe?.({ signal: never }),
      async () => transport.deadLetters?.().receive(RECEIVE),
    ]
    for (const call of calls) {
      await expect(call()).rejects.toMatchObject({ code: 'QueueNotFound', facts: { queue: 'nowhere' } })
    }
    const sessions = open('sessions', { queues: { sessions: { path: 'nowhere-else', sessions: true } } })
    for (const sessionId of [undefined, 's']) {
      await expect(accept(sessions, sessionId, 0)).rejects.toMatchObject({ code: 'QueueNotFound' })
    }
  })

  it('a queue that was made otherwise than its options say is told so, by name (PA2, PA8)', async ({ expect }) => {
    const { open, queue: make } = here()
    const [plainQueue, withSessions] = [make(), make({ requiresSession: true })]
    const wrong = { queues: { [plainQueue]: { sessions: true }, [withSessions]: { sessions: false } } }
    const [asSessions, asPlain] = [open(plainQueue, wrong), open(withSessions, wrong)]
    const told = (queue: string) => ({
      code: 'Configuration',
      facts: { field: `queues.${queue}.sessions` },
      isTransient: false,
    })
    await expect(send(asPlain, wire('a'))).rejects.toMatchObject(told(withSessions))
    await expect(asPlain.receive(RECEIVE)).rejects.toMatchObject(told(withSessions))
    await expect(accept(asSessions, undefined, 0)).rejects.toMatchObject(told(plainQueue))
    // The SDK says that it is locked, whatever it is.
    await expect(accept(asSessions, 's', 0)).rejects.toMatchObject({
      code: 'SessionLocked',
      message:
        'Another receiver holds the session, or the queue was made without sessions: the SDK does not say which.',
    })
  })

  it.for([
    ['hangs up', ''],
    ['answers with AMQP', 'AMQP\0\u0001\0\0'],
  ] as const)('a server without TLS that %s: how to say so is told (PA8, SC1)', async ([, answer], { expect }) => {
    const server = createServer((socket) => {
      socket.on('error', () => {})
      socket.once('data', () => socket.end(answer))
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = server.address() as AddressInfo
    const connectionString = `Endpoint=sb://localhost:${port};SharedAccessKeyName=a;SharedAccessKey=b;`
    const transport = here().open('orders', { connectionString })
    const calls = [send(transport, wire('a')), transport.receive(RECEIVE), transport.probe?.({ signal: never })]
    const outcomes = await Promise.allSettled(calls)
    server.close()
    const message = expect.stringMatching(/TLS handshake fail.*UseDevelopmentEmulator=true in the connection string/)
    expect(outcomes).toMatchObject(calls.map(() => ({ reason: { code: 'ConnectionFailed', message } })))
  })

  it('nobody listens: ConnectionFailed (PA8)', async ({ expect }) => {
    const connectionString =
      'Endpoint=sb://127.0.0.1:1;SharedAccessKeyName=a;SharedAccessKey=b;UseDevelopmentEmulator=true;'
    const transport = here().open('orders', { connectionString })
    const calls = [send(transport, wire('a')), transport.receive(RECEIVE), transport.probe?.({ signal: never })]
    const outcomes = await Promise.allSettled(calls)
    expect(outcomes).toMatchObject(calls.map(() => ({ reason: { code: 'ConnectionFailed', isTransient: true } })))
  })
})
