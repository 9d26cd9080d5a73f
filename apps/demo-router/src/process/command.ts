import { isQueueName, QUEUES } from '../github/routes.ts'
import { botService } from './bot.ts'
import { makeFirstKeys } from './new-keys.ts'
import { routerService } from './router.ts'
import { runService, type ServiceKind, type ServiceParts } from './service.ts'

const EXIT_GOOD = 0
/** A command line that cannot be read. */
const EXIT_USAGE = 2

const kindOf = ([command, name, ...rest]: readonly string[]): ServiceKind | undefined => {
  if (rest.length > 0) return undefined
  if (command === 'router' && name === undefined) return routerService
  return command === 'bot' && name !== undefined && isQueueName(name) ? botService(name) : undefined
}

/** Runs `router`, `bot <name>` or `keys <directory>`, as the environment says, and resolves with the exit code. */
export async function runProcess(args: readonly string[], parts: ServiceParts): Promise<number> {
  const [command, directory] = args
  if (command === 'keys' && directory !== undefined) {
    await makeFirstKeys(directory)
    return EXIT_GOOD
  }
  const kind = kindOf(args)
  if (kind !== undefined) return runService(kind, parts)
  parts.write(
    `Usage: router, bot with one of ${QUEUES.join(', ')}, or keys with a directory. All else is set by environment variables.`,
  )
  return EXIT_USAGE
}
