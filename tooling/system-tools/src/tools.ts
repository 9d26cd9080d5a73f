import { type KindName, kinds } from './kinds.ts'
import { here, type Located, locate } from './locate.ts'

export interface RedisTools {
  readonly server: string
  readonly cli: string
  readonly benchmark: string
  /** The environment to start them in. */
  readonly env: NodeJS.ProcessEnv
}

export interface Tool {
  readonly path: string
  /** The environment to start it in. */
  readonly env: NodeJS.ProcessEnv
}

const known = new Map<KindName, Promise<Located>>()

/** Each is looked for once per process; a failure is not asked for again. */
function located(name: KindName): Promise<Located> {
  const before = known.get(name)
  if (before !== undefined) return before
  const now = locate(kinds[name], here())
  known.set(name, now)
  return now
}

async function tool(name: KindName): Promise<Tool> {
  const { paths, env } = await located(name)
  const [path = ''] = paths
  return { path, env }
}

/**
 * The programs of Redis: those that QUEUE_RUNTIME_REDIS_SERVER names, those on the machine, or Debian's, fetched without root.
 *
 * @throws ToolMissing where they cannot be had, with what to do about it
 * @example
 * const { server, env } = await redisTools()
 * spawn(server, ['--port', '0', '--save', ''], { env })
 */
export async function redisTools(): Promise<RedisTools> {
  const { paths, env } = await located('redis')
  const [server = '', cli = '', benchmark = ''] = paths
  return { server, cli, benchmark, env }
}

/** Chromium or Chrome: what QUEUE_RUNTIME_CHROMIUM names, what is on the machine, or Debian's. @throws ToolMissing */
export const chromium = (): Promise<Tool> => tool('chromium')

/** Prometheus's promtool: what QUEUE_RUNTIME_PROMTOOL names, what is on the machine, or Debian's. @throws ToolMissing */
export const promtool = (): Promise<Tool> => tool('promtool')

/**
 * Why a kind of program cannot be had here; undefined where it can. For tests that are skipped with the reason.
 *
 * @example
 * const missing = await whyMissing('redis')
 * beforeEach((context) => context.skip(missing !== undefined, missing))
 */
export async function whyMissing(name: KindName): Promise<string | undefined> {
  return await located(name).then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  )
}
