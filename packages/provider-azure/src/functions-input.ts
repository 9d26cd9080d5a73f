import { hasMethods, misconfigured } from '@queue-runtime/core/provider'
import type { RawMessage } from './incoming.ts'

/** A message as the extension of Azure Functions makes it; only what is used. */
export interface TriggerMessage extends Omit<RawMessage, 'enqueuedTimeUtc'> {
  readonly enqueuedTimeUtc?: Date | undefined
  readonly lockToken?: string | undefined
  /** The message as AMQP brought it. */
  readonly _rawAmqpMessage?: unknown
}

/** What the host can be told of a message of this invocation. */
export interface TriggerActions {
  complete(message: TriggerMessage): Promise<unknown>
  abandon(message: TriggerMessage): Promise<unknown>
  deadletter(
    message: TriggerMessage,
    propertiesToModify?: Uint8Array,
    reason?: string,
    description?: string,
  ): Promise<unknown>
  renewMessageLock(message: TriggerMessage): Promise<unknown>
}

/** What a trigger with `sdkBinding: true` hands to a function (`ServiceBusMessageContext`). */
export interface TriggerContext {
  readonly messages: TriggerMessage | readonly TriggerMessage[]
  readonly actions: TriggerActions
}

/** What is used of the context of an invocation. */
export interface FunctionsContext {
  readonly triggerMetadata?: Readonly<Record<string, unknown>> | undefined
  readonly options?: { readonly trigger?: object | undefined } | undefined
}

/** A message of an invocation. `lockedUntil`: where the host tells it. */
export interface Arrival {
  readonly raw: RawMessage
  readonly lockToken: string
  readonly lockedUntil: Date | undefined
}

/** The messages of an invocation; `actions`: of the host, where it settles. */
export type Invocation =
  | { readonly actions: TriggerActions; readonly arrivals: readonly (Arrival & { readonly message: TriggerMessage })[] }
  | { readonly actions: undefined; readonly arrivals: readonly Arrival[] }

type Fields = Readonly<Record<string, unknown>>

const fieldsOf = (value: unknown): Fields => (typeof value === 'object' && value !== null ? { ...value } : {})

const dateOf = (value: unknown): Date | undefined => {
  if (!(value instanceof Date) && typeof value !== 'string' && typeof value !== 'number') return undefined
  const date = new Date(value)
  return Number.isNaN(date.getTime()) ? undefined : date
}

/** The host counts the first delivery as 1, the SDK as 0. */
const failuresOf = (deliveryCount: unknown): number => Math.max(0, Number(deliveryCount ?? 1) - 1)

/** The extension decodes bodies as text, in its first releases always: the section of AMQP still holds the bytes. */
const bodyOf = (body: unknown, section: unknown): unknown => {
  const { typecode, content } = fieldsOf(section)
  return typeof typecode === 'number' ? content : body
}

const fromSdkBinding = (message: TriggerMessage): Arrival & { readonly message: TriggerMessage } => {
  const { body: section, messageAnnotations } = fieldsOf(message._rawAmqpMessage)
  const annotations = fieldsOf(messageAnnotations)
  if (!message.lockToken) throw misconfigured('messages', 'must have a lockToken each.')
  return {
    message,
    lockToken: message.lockToken,
    lockedUntil: dateOf(annotations['x-opt-locked-until']),
    raw: {
      ...message,
      body: bodyOf(message.body, section),
      deliveryCount: failuresOf(message.deliveryCount),
      enqueuedTimeUtc: message.enqueuedTimeUtc ?? dateOf(annotations['x-opt-enqueued-time']),
    } as RawMessage,
  }
}

/** One message of the metadata of a trigger; of several, each field is an array of its own. */
const fromMetadata = (body: unknown, fields: Fields): Arrival => {
  if (!(body instanceof Uint8Array)) {
    throw misconfigured('dataType', "must be 'binary' at the trigger: else bodies have become text, or something else.")
  }
  const { lockToken } = fields
  if (typeof lockToken !== 'string') throw misconfigured('triggerMetadata', 'must have the lockToken of each message.')
  return {
    lockToken,
    lockedUntil: undefined,
    raw: {
      ...fields,
      body,
      applicationProperties: fieldsOf(fields.applicationProperties),
      deliveryCount: failuresOf(fields.deliveryCount),
      enqueuedTimeUtc: dateOf(fields.enqueuedTimeUtc),
    } as RawMessage,
  }
}

const isTriggerContext = (input: unknown): input is TriggerContext =>
  typeof input === 'object' &&
  input !== null &&
  'messages' in input &&
  'actions' in input &&
  hasMethods(input.actions, 'complete', 'abandon', 'deadletter', 'renewMessageLock')

/** Fields of the message at `index`: the host names the arrays after them. */
const fieldsAt = (metadata: Fields, index: number): Fields =>
  Object.fromEntries(
    Object.entries(metadata)
      .filter(([name, value]) => name.endsWith('Array') && Array.isArray(value))
      .map(([name, value]) => [name.slice(0, -'Array'.length), (value as readonly unknown[])[index]]),
  )

/**
 * Reads what Azure Functions hands to a function of a Service Bus trigger, in either form.
 *
 * Source: `fromRpcTriggerMetadata` of `@azure/functions` 4, `ServiceBusTriggerBindingStrategy` of the extension of the host, and
 * `@azure/functions-extensions-servicebus`.
 *
 * @throws Configuration: the trigger is set up so that messages cannot be read or settled
 */
export function readInvocation(input: unknown, { triggerMetadata = {}, options }: FunctionsContext): Invocation {
  // Left out it may be off for the whole host, which nobody tells.
  if (fieldsOf(options?.trigger).autoCompleteMessages === true) {
    throw misconfigured('autoCompleteMessages', 'must be false at the trigger: each message is settled by itself.')
  }
  if (isTriggerContext(input)) {
    const messages: readonly TriggerMessage[] = [input.messages].flat()
    return { actions: input.actions, arrivals: messages.map(fromSdkBinding) }
  }
  const arrivals = Array.isArray(input)
    ? input.map((body: unknown, index) => fromMetadata(body, fieldsAt(triggerMetadata, index)))
    : [fromMetadata(input, triggerMetadata)]
  return { actions: undefined, arrivals }
}
