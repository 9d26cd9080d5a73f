import { accessSync, constants, realpathSync, statSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { ToolMissing } from './failure.ts'
import type { Kind } from './kinds.ts'

/** The value of a kind's variable on a machine whose tests shall do without it. */
export const without = 'none'

/** Where package managers put programs that a short PATH leaves out. */
const usualFolders = ['/usr/local/bin', '/usr/bin', '/bin', '/usr/sbin', '/opt/homebrew/bin', '/snap/bin']

const isProgram = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

const firstIn = (folders: readonly string[], names: readonly string[]): string | undefined =>
  folders.flatMap((folder) => names.map((name) => join(folder, name))).find(isProgram)

/**
 * The programs of a kind that are on the machine, in the kind's order; undefined where one of them is not.
 *
 * @throws ToolMissing where the kind's variable names what is no program, or says that there is none
 */
export function findOnMachine(
  kind: Kind,
  env: NodeJS.ProcessEnv,
  usual: readonly string[] = usualFolders,
): string[] | undefined {
  const named = env[kind.variable]
  if (named === without) throw new ToolMissing(`${kind.title} is left out: ${kind.variable} is ${without}.`)
  if (named !== undefined && named !== '' && !isProgram(named)) {
    throw new ToolMissing(`${kind.variable} names ${named}, which is no program.`)
  }
  const onPath = (env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  const [first, ...others] = kind.programs
  const main = named || firstIn([...onPath, ...usual], first.names)
  if (main === undefined) return undefined
  // What belongs to the one that was named lies beside it.
  const beside = [dirname(main), dirname(realpathSync(main))]
  const rest = others.map(({ names }) => firstIn([...beside, ...onPath, ...usual], names))
  const found = [main, ...rest].filter((path) => path !== undefined)
  return found.length === kind.programs.length ? found : undefined
}
