import { inspect } from 'node:util'
import { SQSClient } from '@aws-sdk/client-sqs'
import { type SqsProviderOptions, sqsProvider } from '@queue-runtime/provider-sqs'
import { describe, expect, it } from 'vitest'
import { targetOf } from '../src/queue-names.ts'

const thrown = (make: () => unknown): unknown => {
  try {
    make()
  } catch (error) {
    return error
  }
  throw new Error('It should have thrown.')
}

const client = new SQSClient({ region: 'eu-central-1' })

const wrong: readonly (readonly [string, string, object])[] = [
  ['an unknown name', 'regoin', { regoin: 'eu-central-1' }],
  ['a region that is none', 'region', { region: 'EU Central' }],
  ['credentials without a secret', 'credentials', { credentials: { accessKeyId: 'a' } }],
  ['a client that is none', 'client', { client: {} }],
  ['a region beside a client', 'region', { client, region: 'eu-central-1' }],
  ['an endpoint beside a client', 'endpoint', { client, endpoint: 'https://a.example' }],
  [
    'credentials beside a client',
    'credentials',
    { client, credentials: async () => ({ accessKeyId: 'a', secretAccessKey: 'b' }) },
  ],
  ['sockets beside a client', 'maxSockets', { client, maxSockets: 1 }],
  ['a client for receiving alone', 'receiveClient', { receiveClient: client }],
  ['half a second of lock', 'lockMs', { lockMs: 1_500 }],
  ['no lock', 'lockMs', { lockMs: 0 }],
  ['a lock of more than twelve hours', 'lockMs', { lockMs: 43_201_000 }],
  ['messages of more than 1 MiB', 'maxMessageBytes', { maxMessageBytes: 1_048_577 }],
  ['an endpoint in the clear', 'endpoint', { endpoint: 'http://sqs.eu-central-1.amazonaws.com' }],
  ['an endpoint with a password', 'endpoint', { endpoint: 'https://user:secret@a.example' }],
  ['an endpoint that is no URL', 'endpoint', { endpoint: 'localhost:4566' }],
  ['an endpoint that only begins as this machine', 'endpoint', { endpoint: 'http://localhost.example' }],
  ['a queue URL in the clear', 'queues.a.url', { queues: { a: { url: 'http://sqs.example/1/a' } } }],
  ['a queue URL without a name', 'queues.a.url', { queues: { a: { url: 'https://sqs.example/' } } }],
  ['a name and a URL', 'queues.a.url', { queues: { a: { url: 'https://sqs.example/1/a', name: 'a' } } }],
  ['a name that SQS does not take', 'queues.a.name', { queues: { a: { name: 'a b' } } }],
  ['a name of 81 characters', 'queues.a.name', { queues: { a: { name: `${'a'.repeat(76)}.fifo` } } }],
  ['a dead-letter queue that is no queue', 'queues.a.deadLetter', { queues: { a: { deadLetter: true } } }],
  [
    'standard dead letters of a FIFO queue',
    'queues.a.deadLetter',
    { queues: { a: { name: 'a.fifo', deadLetter: 'a-dlq' } } },
  ],
  ['an unknown name of a queue', 'queues.a.fifo', { queues: { a: { fifo: true } } }],
  ['queues that are none', 'queues', { queues: 'orders' }],
]

describe('sqsProvider refuses', () => {
  it.for(wrong)('%s, and names it (C23, A16)', ([, field, options]) => {
    expect(thrown(() => sqsProvider(options as SqsProviderOptions))).toMatchObject({
      code: 'Configuration',
      facts: { field },
    })
  })

  it('a logical name that is too long for SQS, unless it has a name there (M4)', () => {
    const queue = 'a'.repeat(81)
    const error = thrown(() => sqsProvider().open(queue))
    expect(error).toMatchObject({ code: 'Validation', facts: { field: 'queue', rule: 'out-of-range' } })
    expect(sqsProvider({ queues: { [queue]: { name: 'a' } } }).open(queue)).toBeDefined()
  })
})

describe('a queue', () => {
  it('is FIFO where its name at SQS says so (PS2)', () => {
    const provider = sqsProvider({
      queues: {
        a: { name: 'a.fifo' },
        b: { url: 'https://sqs.eu-central-1.amazonaws.com/1/b.fifo' },
        c: { name: 'c' },
      },
    })
    const kinds = ['a', 'b', 'c', 'd'].map((queue) => provider.open(queue).features.sessionIds)
    expect(kinds).toEqual(['required', 'required', 'none', 'none'])
  })

  it('without dead letters cannot read any (C17)', () => {
    const provider = sqsProvider({ queues: { a: { deadLetter: false } } })
    expect(provider.open('a').deadLetters).toBeUndefined()
    expect(provider.open('b').deadLetters).toBeDefined()
  })

  it('is never one of those that every object has', () => {
    expect(targetOf('constructor', {}).name).toBe('constructor')
  })
})

it('a provider shows no credentials (C24, A17)', () => {
  const provider = sqsProvider({ credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI' } })
  const transport = provider.open('orders')
  for (const one of [provider, transport]) {
    expect(inspect(one, { depth: 9, showHidden: true }) + JSON.stringify(one)).not.toMatch(/AKID|wJal/)
  }
})
