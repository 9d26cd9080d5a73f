export { checkOptions, hasMethods, invalid, misconfigured, type OptionChecks, option } from './base/check.ts'
export { type Clock, systemClock } from './base/clock.ts'
export { errorLabel } from './base/error-codes.ts'
export { type ErrorLocation, errorClass, locate } from './base/errors.ts'
export { type Logger, resolveLogger } from './base/logger.ts'
export { isEncrypted } from './base/marker.ts'
export { checkQueueName } from './base/queue-name.ts'
export { abortable } from './base/signals.ts'
export type {
  Claim,
  MessageProtection,
  ProtectedBody,
  ProtectOptions,
  QueueContext,
  QueueProtection,
  Unprotected,
  UnprotectedMessage,
} from './contracts/protection.ts'
export type {
  Delivery,
  IncomingMessage,
  QueueProvider,
  QueueTransport,
  SessionTransport,
  TransportFeatures,
  TransportReceiver,
} from './contracts/transport.ts'
export { isAttributeName, isReservedAttribute } from './message/attributes.ts'
export { logFields } from './message/facts.ts'
export type { WireBody, WireMessage } from './message/wire.ts'
export type { QueueMeter } from './telemetry/meter.ts'
