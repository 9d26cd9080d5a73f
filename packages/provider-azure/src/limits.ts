// Limits of Azure Service Bus. Source: "Service Bus quotas", and "Enable large messages support for Azure Service Bus".

/** Messages of one send; the quota that all tiers have. */
export const MAX_BATCH_MESSAGES = 100
/** All messages of one batch together, in bytes, even where the link takes larger ones: those go one by one. */
export const MAX_BATCH_BYTES = 1_048_576
/** The path of a queue. */
export const MAX_PATH_LENGTH = 260
/** One application property: its name and its value, in bytes. */
export const MAX_PROPERTY_BYTES = 32_768
/** All application properties of one message, in bytes. */
export const MAX_PROPERTIES_BYTES = 65_536
/** What the header of AMQP can hold, in milliseconds: 32 bits. */
export const MAX_TIME_TO_LIVE_MS = 4_294_967_295
/**
 * Transfers of one link that wait for an answer: half of the credit that a link is given. Behind that the SDK waits for one
 * second, and fails.
 */
export const MAX_TRANSFERS = 500
/** Reason and description of a dead letter, in characters. Source: `deadLetterMessage` of the SDK. */
export const MAX_REASON_LENGTH = 4_096
