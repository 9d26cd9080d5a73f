import { createRequire } from 'node:module'
import type { Socket } from 'node:net'
import rhea, { type Container, type EventContext, type Typed, type Types } from 'rhea'

// What this server uses of rhea's inside. Its own types leave that out or say `any`; everything of rhea passes through here.

/** An error as AMQP carries it. */
export interface AmqpFailure {
  readonly condition: string
  readonly description: string
}

export interface AmqpConnection {
  readonly socket: Socket
  is_open(): boolean
  /** Makes rhea write what is pending in the next tick. */
  _register(): void
  /** Without arguments: an empty frame. */
  _write_frame(): void
  /** Stops its timers once the socket is gone. */
  eof(): void
}

export interface AmqpSession {
  readonly outgoing: {
    readonly next_delivery_id: number
    readonly next_pending_delivery: number
    available(): number
    process(): void
  }
  output(frame: unknown): void
  on_transfer(frame: TransferFrame): void
  _write_flow(link: AmqpLink): void
}

interface TransferFrame {
  readonly performative: { message_format: number | null | undefined }
}

interface Terminus {
  readonly address?: unknown
  readonly filter?: unknown
}

export interface AmqpLink {
  readonly name: string
  readonly connection: AmqpConnection
  readonly session: AmqpSession
  readonly source: Terminus | null | undefined
  readonly target: Terminus | null | undefined
  readonly properties: unknown
  readonly snd_settle_mode: number
  readonly rcv_settle_mode: number
  readonly state: { open_requests: number }
  readonly local: {
    readonly attach: { snd_settle_mode: number; rcv_settle_mode: number; max_message_size: number; properties: unknown }
  }
  credit: number
  delivery_count: number
  /** What a flow frame of this link says about draining. */
  _get_drain: () => boolean
  is_receiver(): boolean
  is_open(): boolean
  set_source(source: object): void
  set_target(target: object): void
  close(error?: AmqpFailure): void
  send(message: unknown, tag?: Buffer, format?: number): unknown
  on(event: string, listener: (context: EventContext) => void): void
}

export interface AmqpDelivery {
  readonly id: number
  readonly tag: Buffer
  readonly link: AmqpLink
  readonly format: number
  readonly remote_state: unknown
  remote_settled: boolean
  settled: boolean
}

/** What only the sources of rhea declare. */
interface Inside {
  readonly frames: { disposition(fields: object): unknown }
  readonly message: {
    accepted(): { described(): unknown }
    rejected(fields: { error: AmqpFailure }): { described(): unknown }
    decode(bytes: Buffer): unknown
    encode(message: object): Buffer
  }
  readonly Reader: new (bytes: Buffer) => { read(): Typed }
  readonly Writer: new () => { write(value: Typed): void; toBuffer(): Buffer }
}

export const types: Types = rhea.types
const { Reader, Writer } = rhea.types as unknown as Pick<Inside, 'Reader' | 'Writer'>
const { accepted, rejected, decode, encode } = rhea.message as unknown as Inside['message']
const frames = createRequire(import.meta.url)('rhea/lib/frames.js') as Inside['frames']

export const decodeMessage = (bytes: Uint8Array): Readonly<Record<string, unknown>> =>
  decode(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)) as Record<string, unknown>

export const encodeMessage = (fields: object): Buffer => encode(fields)

/** Reads one value and keeps the AMQP type of each part. */
export const readTyped = (bytes: Buffer): Typed => new Reader(bytes).read()

export const writeTyped = (value: Typed): Buffer => {
  const writer = new Writer()
  writer.write(value)
  return Buffer.from(writer.toBuffer())
}

export type { Container, EventContext, Typed }

export const newContainer = (): Container => rhea.create_container({ id: 'service-bus-emulator' })

const need = <T>(value: unknown, what: string): T => {
  if (value === undefined) throw new Error(`An event of rhea came without ${what}.`)
  return value as T
}

export const connectionOf = (context: EventContext): AmqpConnection => need(context.connection, 'a connection')
export const sessionOf = (context: EventContext): AmqpSession => need(context.session, 'a session')
export const linkOf = (context: EventContext): AmqpLink => need(context.receiver ?? context.sender, 'a link')
export const deliveryOf = (context: EventContext): AmqpDelivery => need(context.delivery, 'a delivery')

/** No message format that anybody uses. */
const UNDECODED = 0x7fff_ffff

/** Makes rhea hand over every message of a session as it came: decoding and encoding again would lose the types of values. */
export const keepMessagesEncoded = (session: AmqpSession): void => {
  const onTransfer = session.on_transfer.bind(session)
  session.on_transfer = (frame) => {
    if (!frame.performative.message_format) frame.performative.message_format = UNDECODED
    onTransfer(frame)
  }
}

/** The bytes of the message in an event. */
export const bytesOf = (context: EventContext): Buffer => {
  const bytes: unknown = context.message
  if (!Buffer.isBuffer(bytes)) throw new Error('rhea decoded a message.')
  return bytes
}

/** Keeps back the answer to an attach until `answerAttach`. */
export const holdAttach = (link: AmqpLink): void => {
  link.state.open_requests = 0
}

export const answerAttach = (link: AmqpLink): void => {
  link.state.open_requests = 1
  link.connection._register()
}

export const ACCEPTED: unknown = accepted().described()
export const rejectedWith = (error: AmqpFailure): unknown => rejected({ error }).described()

/**
 * Settles a delivery in a frame of its own: rhea merges what it sends in one tick, and gives several deliveries the outcome
 * of the first.
 */
export const settleDelivery = (delivery: AmqpDelivery, state: unknown): void => {
  const { id, link } = delivery
  if (!delivery.remote_settled) {
    link.session.output(frames.disposition({ role: link.is_receiver(), first: id, last: id, settled: true, state }))
  }
  delivery.settled = true
  delivery.remote_settled = true
  link.connection._register()
}

/** How many messages wait in the session to be written; each still counts as credit. */
const unsent = ({ session: { outgoing } }: AmqpLink): number =>
  outgoing.next_delivery_id - outgoing.next_pending_delivery

/** How many messages the link takes now. */
export const room = (link: AmqpLink): number =>
  link.is_open() ? Math.min(link.credit - unsent(link), link.session.outgoing.available()) : 0

/**
 * Writes what is to be sent, gives the remaining credit back and says so; returns false where something could not be written
 * yet. rhea itself gives no such answer when there is no credit left, which a client waits for all the same.
 */
export const answerDrain = (link: AmqpLink): boolean => {
  link.session.outgoing.process()
  if (unsent(link) > 0) return false
  link.delivery_count += link.credit
  link.credit = 0
  link._get_drain = () => true
  link.session._write_flow(link)
  link._get_drain = () => false
  return true
}
