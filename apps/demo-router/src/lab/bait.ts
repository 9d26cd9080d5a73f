import { randomInt } from 'node:crypto'
import type { Delivery } from '../demo/deliveries.ts'
import { isJsonObject, type JsonObject } from '../github/event.ts'

const MAX_NUMBER = 1_000_000_000

const altered = ({ event, body }: Delivery, alter: (payload: JsonObject) => JsonObject): Delivery => {
  const payload: unknown = JSON.parse(body)
  return isJsonObject(payload) ? { event, body: JSON.stringify(alter(payload)) } : { event, body }
}

/** An event of no repository is kept in no order. */
export const withoutRepository = (delivery: Delivery): Delivery =>
  altered(delivery, ({ repository, ...payload }) => payload)

/** The same of a pull request that nobody else writes to: what becomes of it holds up no other message, alive or dead. */
export const ofItsOwn = (delivery: Delivery): Delivery =>
  altered(delivery, (payload) => {
    const number = randomInt(1, MAX_NUMBER)
    const { pull_request, issue } = payload
    return {
      ...payload,
      ...(isJsonObject(pull_request) && { pull_request: { ...pull_request, number } }),
      ...(isJsonObject(issue) && { issue: { ...issue, number } }),
    }
  })
