import { isQueueName, QUEUES } from '../github/routes.ts'
import { botService } from './bot.ts'
import { routerService } from './router.ts'
import { runService, type ServiceKind, type ServiceParts } from './service.ts'

/** A command line that cannot be read. */
const EXIT_USAGE = 2

const kindOf = ([command, name, ...rest]: readonly string[]): ServiceKind | undefined => {
  if (rest.length > 0) return undefined
  if (command === 'router' && name === undefined) return routerService
  return command === 'bot' && name !== undefined && isQueueName(name) ? botService(name) : undefined
}

/** Runs `router`, or `bot <name>`, as the environment says, and resolves with the exit code. */
export async function runProcess(args: readonly string[], parts: ServiceParts): Promise<number> {
  const kind = kindOf(args)
  if (kind !== undefined) return runService(kind, parts)
  parts.write(`Usage: router, or bot with one of ${QUEUES.join(', ')}. All else is set by environment variables.`)
  return EXIT_USAGE
}
