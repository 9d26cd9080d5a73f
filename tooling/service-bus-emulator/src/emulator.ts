import { createAccess } from './access.ts'
import { listen } from './amqp/server.ts'
import { createFaults, type Fault, type FaultChoice, type FaultOptions, type FaultPoint } from './faults.ts'
import { createNamespace } from './namespace.ts'
import { type EmulatorOptions, emulatorSettings, type QueueOptions, queueSettings } from './options.ts'
import type { Source } from './store/queue.ts'
import { type StoredMessage, snapshot } from './stored-message.ts'

/** A look into one queue, past all locks. */
export interface EmulatedQueue {
  /** All messages, by sequence number: active, locked, deferred and scheduled. */
  messages(): StoredMessage[]
  deadLetters(): StoredMessage[]
}

export interface ServiceBusEmulator {
  readonly port: number
  /** `host:port`, what `new ServiceBusClient(host, credential)` takes; it needs TLS. */
  readonly host: string
  /** For `new ServiceBusClient(connectionString)`. With `accessKeys` it holds the first of them. */
  readonly connectionString: string
  /** How many clients are connected. */
  readonly connections: number
  /** Makes a queue. @throws Configuration with the name of the option */
  addQueue(name: string, options?: QueueOptions): EmulatedQueue
  /** Returns what is in a queue. @throws RangeError where there is no such queue */
  queue(name: string): EmulatedQueue
  /**
   * Makes something go wrong at a point, until `times` is used up or what this returns is called.
   *
   * @throws Configuration with the name of the option
   * @example
   * emulator.inject('send', { error: CONDITION.serverBusy }, { times: 2 })
   * emulator.inject('send', { drop: 'after' }, { queue: 'orders', times: 1 }) // stored, but the sender never hears of it
   * emulator.inject('settle', () => (random() < 0.1 ? { drop: 'before' } : undefined))
   */
  inject(point: FaultPoint, fault: Fault | FaultChoice, options?: FaultOptions): () => void
  /** Breaks all connections, without a word. */
  dropConnections(): void
  /** Ends all connections and frees the port; what was stored is gone. May be called again. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

const everything = ({ peek }: Source): StoredMessage[] => peek(0, Number.POSITIVE_INFINITY, undefined).map(snapshot)

/**
 * Starts Service Bus queues that the real SDK connects to, and resolves when they can be reached. Nothing is kept on disk.
 *
 * @throws Configuration with the name of the option · the error of the socket, where the port is taken
 * @example
 * const emulator = await startServiceBusEmulator({ queues: { orders: { lockDurationMs: 5_000 } } })
 * const client = new ServiceBusClient(emulator.connectionString)
 * await client.createSender('orders').sendMessages({ body: 'hello' })
 * emulator.queue('orders').messages() // [{ state: 'active', … }]
 * await emulator.close()
 */
export async function startServiceBusEmulator(options: EmulatorOptions): Promise<ServiceBusEmulator> {
  const { queues, port, host, tls, accessKeys, checkJwt, clock } = emulatorSettings(options)
  const namespace = createNamespace(clock)
  const faults = createFaults(clock)
  for (const [name, settings] of queues) namespace.add(name, settings)
  const access = createAccess({ accessKeys, checkJwt, clock })
  const listener = await listen({ clock, namespace, faults, access }, { host, port, tls })

  // Certificates are for names.
  const name = tls !== undefined && host === '127.0.0.1' ? 'localhost' : host
  const address = `${name}:${listener.port}`
  const [[keyName, { key }] = ['RootManageSharedAccessKey', { key: 'any' }]] = Object.entries(accessKeys ?? {})
  const plain = tls === undefined ? 'UseDevelopmentEmulator=true;' : ''

  const queue: ServiceBusEmulator['queue'] = (queueName) => {
    const found = namespace.get(queueName)
    if (found === undefined) throw new RangeError(`There is no queue ${queueName}.`)
    return { messages: () => everything(found.messages), deadLetters: () => everything(found.deadLetters) }
  }

  const close = async (): Promise<void> => {
    faults.close()
    namespace.close()
    await listener.close()
  }

  return {
    port: listener.port,
    host: address,
    connectionString: `Endpoint=sb://${address};SharedAccessKeyName=${keyName};SharedAccessKey=${key};${plain}`,
    get connections() {
      return listener.connections()
    },
    addQueue(queueName, queueOptions = {}) {
      namespace.add(queueName, queueSettings(queueOptions))
      return queue(queueName)
    },
    queue,
    inject: faults.inject,
    dropConnections: listener.dropConnections,
    close,
    [Symbol.asyncDispose]: close,
  }
}
