import assert from 'node:assert/strict'
import type { QueueTransport, SessionTransport, WireMessage } from '@queue-runtime/core/provider'
import type { ProviderBench } from './bench.ts'
import { never } from './moves.ts'
import { wireMessage } from './wire.ts'

/** A wait that no case reaches the end of. */
export const LONG: { readonly waitMs: number; readonly signal: AbortSignal } = { waitMs: 60_000, signal: never }

/** A transport on which sessions are accepted. */
export const openSessions = ({ open, sessionQueue }: ProviderBench): QueueTransport => open(sessionQueue)

export const messages = (sessionId: string, ...texts: readonly string[]): WireMessage[] =>
  texts.map((text) => wireMessage(text, { sessionId }))

/** Asks for a session once. */
export const ask = async (
  { time }: ProviderBench,
  transport: QueueTransport,
  sessionId?: string,
): Promise<SessionTransport | null | undefined> =>
  transport.acceptSession?.({ sessionId, waitMs: time.lookMs, signal: never })

export const lockOf = ({ sessionLockMs }: ProviderBench): number => {
  assert.ok(sessionLockMs, 'sessionLockMs is needed where there are sessions')
  return sessionLockMs
}
