import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Call, Faults } from '@queue-runtime/sqs-strict'
import { describe, expect, it } from 'vitest'
import { local } from './support.ts'

const here = local()
const folder = fileURLToPath(new URL('..', import.meta.url))
const readme = readFileSync(`${folder}README.md`, 'utf8')
const blocks = (language: string): string[] =>
  [...readme.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms'))].map(([, text = '']) => text)

/** Runs a program of a user, with credentials where the SDK looks for them. */
const run = async (program: string, environment: Readonly<Record<string, string>> = {}): Promise<string> => {
  const env = {
    PATH: process.env.PATH,
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    NO_COLOR: '1',
    ...environment,
  }
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], {
    cwd: folder,
    env,
  })
  return stdout + stderr
}

describe('the program of the README', () => {
  const [program = ''] = blocks('js')
  const LINE = /^ {2}endpoint: '(.*)',.*\n/m

  it('prints what it says', async () => {
    const { sqs } = here()
    await sqs.createQueue('orders.fifo')
    const endpoint = LINE.exec(program)?.[1] ?? ''
    expect(endpoint).not.toBe('')
    expect(await run(program.replace(endpoint, sqs.endpoint))).toBe('{ order: 7 } customer-1\n')
    expect(await sqs.count('orders.fifo')).toEqual({ visible: 0, held: 0 })
  })

  it('needs only its endpoint taken out: then it goes where the SDK goes', async () => {
    const { sqs } = here()
    const before = sqs.calls.length
    expect(await run(program.replace(LINE, ''), { AWS_ENDPOINT_URL_SQS: sqs.endpoint })).toContain(
      '{ order: 7 } customer-1',
    )
    expect(sqs.calls.length).toBeGreaterThan(before)
  })
})

interface Policy {
  readonly Version: string
  readonly Statement: readonly {
    readonly Effect: string
    readonly Action: readonly string[]
    readonly Resource: string
  }[]
}

describe('the IAM policies of the README', () => {
  const [router, bot] = blocks('json').map((text): Policy => JSON.parse(text))

  /** Batches take the permission of the single call. Source: "Actions, resources, and condition keys for Amazon SQS". */
  const permits = ({ Statement }: Policy, { action, queue }: Call, actual: string): boolean => {
    const asked = `sqs:${action.replace(/Batch$/, '')}`
    const name = queue.replace(actual, 'orders')
    return Statement.some(({ Action, Resource }) => Action.includes(asked) && Resource.endsWith(`:${name}`))
  }

  const under =
    (policy: Policy | undefined, queue: string, refused: string[] = []): Faults =>
    (call) => {
      if (policy !== undefined && permits(policy, call, queue)) return undefined
      refused.push(call.action)
      return { kind: 'error', status: 403, code: 'AccessDenied' }
    }

  it('are policies, and allow nothing for all queues or all actions (SC2)', () => {
    for (const policy of [router, bot]) {
      expect(policy?.Version).toBe('2012-10-17')
      expect(JSON.stringify(policy)).not.toContain('*')
      for (const { Effect, Resource } of policy?.Statement ?? []) {
        expect([Effect, Resource]).toEqual([
          'Allow',
          expect.stringMatching(/^arn:aws:sqs:[a-z0-9-]+:\d{12}:orders(-dlq)?$/),
        ])
      }
    }
  })

  it('let a router send, and nothing else (SC2, PS14, edge case 17)', async () => {
    const { sqs, client, queue: make } = here()
    const queue = await make({ maxReceiveCount: 5 })
    const refused: string[] = []
    sqs.inject(under(router, queue, refused))
    const one = client(queue, { retry: false })
    await one.sendBatch([{ body: 'a' }, { body: 'b' }])
    expect(await one.health()).toEqual({ depth: undefined })
    expect(refused).toEqual(['GetQueueAttributes'])
    await expect(one.receive({ waitMs: 0 })).rejects.toMatchObject({ code: 'PermissionDenied' })
    await expect(one.deadLetters().redrive()).rejects.toMatchObject({ code: 'PermissionDenied' })
  })

  it('let a bot receive, settle and set aside, and not send (SC2, SC4, PS14)', async () => {
    const { sqs, client, queue: make } = here()
    const queue = await make({ maxReceiveCount: 5 })
    await client(queue).sendBatch(['a', 'b', 'c'].map((body) => ({ body })))
    const refused: string[] = []
    sqs.inject(under(bot, queue, refused))
    const one = client(queue, { retry: false })
    expect(await one.health()).toEqual({ depth: 3 })
    const settle = { a: 'complete', b: 'dead-letter', c: 'abandon' } as const
    for (const _ of Object.keys(settle)) {
      const message = await one.receive({ waitMs: 2_000 })
      await message?.renewLock()
      const how = settle[message?.text() as keyof typeof settle]
      if (how === 'complete') await message?.complete()
      else if (how === 'dead-letter') await message?.deadLetter({ reason: 'r' })
      else await message?.abandon({ delayMs: 60_000 })
    }
    expect(refused).toEqual([])
    await expect(one.send({ body: 'd' })).rejects.toMatchObject({ code: 'PermissionDenied' })
    await expect(one.deadLetters().redrive()).rejects.toMatchObject({ code: 'PermissionDenied' })
    sqs.inject()
    expect(await sqs.count(`${queue}-dlq`)).toEqual({ visible: 1, held: 0 })
  })
})

it('the README has at most 60 lines (style.md)', () => {
  expect(readme.split('\n').length).toBeLessThanOrEqual(61)
})
