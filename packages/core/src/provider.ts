export { isAttributeName, isReservedAttribute } from './attributes.ts'
export { checkOptions, hasMethods, invalid, misconfigured, type OptionChecks, option } from './check.ts'
export { type Clock, systemClock } from './clock.ts'
export { errorLabel } from './error-codes.ts'
export { type ErrorLocation, errorClass, locate } from './errors.ts'
export { logFields } from './facts.ts'
export { type Logger, resolveLogger } from './logger.ts'
export { isEncrypted } from './marker.ts'
export type {
  Claim,
  MessageProtection,
  ProtectedBody,
  QueueContext,
  QueueProtection,
  Unprotected,
  UnprotectedMessage,
} from './protection.ts'
export { checkQueueName } from './queue-name.ts'
export { abortable } from './signals.ts'
export type { QueueMeter } from './telemetry.ts'
export type {
  Delivery,
  IncomingMessage,
  QueueProvider,
  QueueTransport,
  SessionTransport,
  TransportFeatures,
  TransportReceiver,
} from './transport.ts'
export type { WireBody, WireMessage } from './wire.ts'
