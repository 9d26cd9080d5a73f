import { isQueueError } from '@queue-runtime/core'
import { type VariableName, wrong } from '../config/variables.ts'

/**
 * Runs `make`, whose options come from variables: what it says of an option, it says of the variable.
 *
 * @throws Configuration naming the variable · what `make` throws
 */
export function asVariable<T>(variables: Readonly<Record<string, VariableName>>, make: () => T): T {
  try {
    return make()
  } catch (error) {
    if (!isQueueError(error, 'Configuration')) throw error
    const { field } = error.facts
    // Such as `queues.merge-warden.name`, of which `queues.merge-warden` is in the table.
    const [, name] =
      Object.entries(variables).find(([option]) => field === option || field.startsWith(`${option}.`)) ?? []
    if (name === undefined) throw error
    throw wrong(name, error.message.replace(`Option ${field} `, ''))
  }
}
