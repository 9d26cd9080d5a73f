import { ServiceBusClient } from '@azure/service-bus'
import { expect, onTestFinished, test } from 'vitest'
import { runCli } from '../src/cli.ts'
import { parseCli } from '../src/cli-options.ts'
import { bodyOf, codeOf, IMPATIENT, listen, message, send, takeOne, until } from './support.ts'

interface Run {
  readonly stop: AbortController
  readonly exit: Promise<number>
  out: string
  err: string
}

const run = (...args: string[]): Run => {
  const stop = new AbortController()
  const said = { out: '', err: '' }
  const writer = (to: 'out' | 'err') => ({
    write(piece: string) {
      said[to] += piece
    },
  })
  const exit = runCli(args, { stdout: writer('out'), stderr: writer('err'), stop: stop.signal })
  onTestFinished(() => stop.abort())
  return Object.assign(said, { stop, exit })
}

test('the options behind a queue are its own', () => {
  const args = '--queue orders --lock-ms 5000 --queue jobs --sessions --max-deliveries=3 --duplicates-ms 60000 --port 0'
  expect(parseCli(args.split(' '))).toEqual({
    help: false,
    queues: {
      orders: { lockDurationMs: 5_000 },
      jobs: { requiresSession: true, maxDeliveryCount: 3, duplicateDetectionMs: 60_000 },
    },
    ...{ host: undefined, port: 0, tls: undefined },
  })
})

test('without a port it is where AMQP lives', () => {
  expect(parseCli(['--queue', 'a'])).toMatchObject({ port: 5672 })
  expect(parseCli(['--queue', 'a', '--tls-key', 'k', '--tls-cert', 'c'])).toMatchObject({ port: 5671 })
})

test.each([
  [[], 'Name a --queue'],
  [['--queue'], '--queue takes a value'],
  [['--sessions', '--queue', 'a'], '--sessions belongs to a queue'],
  [['--queue', 'a', '--sessions=yes'], '--sessions takes no value'],
  [['--queue', 'a', '--tls-key', 'k'], 'belong together'],
  [['--qeueu', 'a'], 'Unknown option --qeueu'],
  [['orders'], 'Unexpected argument orders'],
])('a command line that cannot be is refused in one sentence: %o', async (args, text) => {
  const ended = run(...args)
  expect(await ended.exit).toBe(2)
  expect(ended.err).toContain(text)
  expect(ended.out).toBe('')
})

test('it runs until it is stopped, and prints what a client needs', async () => {
  const running = run('--queue', 'orders', '--max-deliveries', '1', '--port', '0')
  await until(() => running.err !== '')
  const client = new ServiceBusClient(running.out.trim(), IMPATIENT)
  await send(client, 'orders', message('a'))
  expect(bodyOf(await takeOne(listen(client, 'orders')))).toBe('a')
  expect(await codeOf(send(client, 'jobs', message('b')))).toBe('MessagingEntityNotFound')
  await client.close()
  running.stop.abort()
  expect(await running.exit).toBe(0)
})

test('what keeps it from starting is said', async () => {
  const running = run('--queue', 'orders', '--lock-ms', 'soon')
  expect(await running.exit).toBe(1)
  expect(running.err).toContain('lockDurationMs')
  const missing = run('--queue', 'orders', '--tls-key', '/no/such/key', '--tls-cert', '/no/such/cert')
  expect(await missing.exit).toBe(1)
  expect(missing.err).toContain('/no/such/key')
})

test('help is printed and ends it', async () => {
  const running = run('--help')
  expect(await running.exit).toBe(0)
  expect(running.out).toContain('--queue <name>')
})
