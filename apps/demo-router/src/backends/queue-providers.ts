import { misconfigured } from '@queue-runtime/core/provider'
import { type VariableName, type Variables, variableOf, wrong } from '../config/variables.ts'
import { perQueue, QUEUES, type QueueName } from '../github/routes.ts'
import { asVariable } from './as-variable.ts'
import { awsAccess } from './aws-access.ts'
import { azureCredential } from './azure-credential.ts'
import type { QueuePlan } from './plan.ts'

const MIB = 1024 * 1024
/** More than the envelope (at most 175 bytes), ids, session and attributes of a delivery of GitHub add to its body. */
const OVERHEAD_BYTES = 1024

const physicalName = (variables: Variables, queue: QueueName, byDefault: string): string =>
  variables.get(variableOf('QUEUE', queue)) ?? byDefault

/** Which variable names each queue. */
const QUEUE_OPTIONS: Readonly<Record<string, VariableName>> = Object.fromEntries(
  QUEUES.map((queue) => [`queues.${queue}`, variableOf('QUEUE', queue)]),
)

const memory = (): QueuePlan => ({
  maxBodyBytes: 10 * MIB - OVERHEAD_BYTES,
  sessions: false,
  async open({ embedded }) {
    if (embedded.queues !== undefined) return embedded.queues
    throw wrong('QUEUE_PROVIDER', 'must be azure or sqs here: a queue in memory is the queue of one process alone.')
  },
})

/** Deliveries carry a session, which standard queues of SQS do not know. */
const fifoQueue = (variables: Variables, queue: QueueName): { readonly name: string } | { readonly url: string } => {
  const given = physicalName(variables, queue, `${queue}.fifo`)
  if (!given.endsWith('.fifo')) throw wrong(variableOf('QUEUE', queue), 'must be a FIFO queue: its name ends in .fifo.')
  return given.includes('://') ? { url: given } : { name: given }
}

const sqs = (variables: Variables): QueuePlan => {
  const endpoint = variables.get('SQS_ENDPOINT')
  const options = {
    ...awsAccess(variables),
    ...(endpoint !== undefined && { endpoint }),
    lockMs: Number(variables.get('SQS_LOCK_SECONDS')) * 1_000,
    queues: perQueue((queue) => fifoQueue(variables, queue)),
  }
  return {
    maxBodyBytes: MIB,
    sessions: true,
    async open({ clock }) {
      const { sqsProvider } = await import('@queue-runtime/provider-sqs')
      return asVariable({ ...QUEUE_OPTIONS, region: 'AWS_REGION', endpoint: 'SQS_ENDPOINT' }, () =>
        sqsProvider({ ...options, clock }),
      )
    },
  }
}

const azure = (variables: Variables): QueuePlan => {
  const connectionString = variables.get('SERVICEBUS_CONNECTION_STRING')
  const namespace = variables.get('SERVICEBUS_NAMESPACE')
  if (connectionString !== undefined && namespace !== undefined) {
    throw wrong('SERVICEBUS_NAMESPACE', 'and SERVICEBUS_CONNECTION_STRING are two ways; leave one out.')
  }
  if (connectionString === undefined && namespace === undefined) {
    throw wrong('SERVICEBUS_NAMESPACE', 'or SERVICEBUS_CONNECTION_STRING is required for QUEUE_PROVIDER=azure.')
  }
  const sessions = variables.get('SERVICEBUS_SESSIONS') === 'on'
  const queues = perQueue((queue) => ({ path: physicalName(variables, queue, queue), sessions }))
  return {
    maxBodyBytes: MIB,
    sessions,
    async open({ clock, logger }) {
      const { azureProvider } = await import('@queue-runtime/provider-azure')
      const shared = { queues, clock, logger }
      if (connectionString !== undefined) {
        return asVariable({ ...QUEUE_OPTIONS, connectionString: 'SERVICEBUS_CONNECTION_STRING' }, () =>
          azureProvider({ ...shared, connectionString }),
        )
      }
      if (namespace === undefined) throw misconfigured('namespace', 'is required.')
      const credential = await azureCredential()
      return asVariable({ ...QUEUE_OPTIONS, namespace: 'SERVICEBUS_NAMESPACE' }, () =>
        azureProvider({ ...shared, namespace, credential }),
      )
    },
  }
}

/** Checks the variables of a queue provider, and returns how it is opened. */
export const QUEUE_PROVIDERS: Readonly<Record<string, (variables: Variables) => QueuePlan>> = { memory, azure, sqs }
