import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Orders, SourceReport, TargetReport, ToTarget } from './messages.ts'

export interface LoadResult {
  readonly source: SourceReport
  readonly target: TargetReport
  readonly lost: readonly string[]
  readonly twice: readonly string[]
  readonly strange: readonly string[]
  /** Deliveries per second that were answered 202 and sent. */
  readonly perSecond: number
}

/** Written where `LOAD_PROFILE` names a folder. */
const profile = (): string[] => {
  const folder = process.env.LOAD_PROFILE
  return folder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${folder}`]
}

const start = (file: string, { env = {}, execArgv = [] as string[] } = {}): ChildProcess =>
  fork(fileURLToPath(new URL(file, import.meta.url)), {
    env: { PATH: process.env.PATH, ...env },
    execArgv,
    serialization: 'advanced',
  })

const answerOf = async <T>(child: ChildProcess): Promise<T> => {
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`A process of the load ended early with ${code}.`)
  })
  const [answer] = (await Promise.race([once(child, 'message'), ended])) as [T]
  ended.catch(() => {})
  return answer
}

const PATIENCE_MS = 20_000

/** Loads a router in a process of its own from another one, and compares what was taken with what the bots handled. */
export async function runLoad({
  seconds,
  connections = 32,
}: {
  seconds: number
  connections?: number
}): Promise<LoadResult> {
  const secret = randomBytes(32).toString('hex')
  const target = start('target.ts', { env: { LOAD_SECRET: secret }, execArgv: profile() })
  const source = start('source.ts')
  const children = [target, source]
  try {
    const { url } = await answerOf<{ url: string }>(target)
    source.send({ url, secret, seconds, connections } satisfies Orders)
    const sourceReport = await answerOf<SourceReport>(source)
    const targetReport = await reportOf(target, sourceReport.taken.length)
    const ended = once(target, 'exit')
    target.send('stop' satisfies ToTarget)
    await ended
    return compare(sourceReport, targetReport)
  } finally {
    for (const child of children) child.kill('SIGKILL')
  }
}

/** Asks until the bots have handled as many as were taken, or do not get any further. */
async function reportOf(target: ChildProcess, expected: number): Promise<TargetReport> {
  const deadline = performance.now() + PATIENCE_MS
  for (;;) {
    target.send('report' satisfies ToTarget)
    const report = await answerOf<TargetReport>(target)
    if (report.handled.length >= expected || performance.now() > deadline) return report
    await delay(100)
  }
}

function compare(source: SourceReport, target: TargetReport): LoadResult {
  const taken = new Set(source.taken)
  const handled = new Set(target.handled)
  const seen = new Set<string>()
  return {
    ...{ source, target },
    lost: source.taken.filter((id) => !handled.has(id)),
    twice: target.handled.filter((id) => seen.size === seen.add(id).size),
    strange: target.handled.filter((id) => !taken.has(id)),
    perSecond: source.taken.length / source.seconds,
  }
}

const ms = (value = 0): string => `${value.toFixed(1)} ms`

/** The figures in one paragraph. */
export function describeLoad({ source, target, lost, twice, strange, perSecond }: LoadResult): string {
  const { percentiles } = source
  return [
    `${Math.round(perSecond)} deliveries a second for ${source.seconds.toFixed(1)} s: ${source.taken.length} taken, ${target.handled.length} handled;`,
    `lost ${lost.length}, twice ${twice.length}, strange ${strange.length}; answers ${JSON.stringify(source.answers)}.`,
    `Latency: median ${ms(percentiles['0.5'])}, 95 % ${ms(percentiles['0.95'])}, 99 % ${ms(percentiles['0.99'])}, longest ${ms(percentiles['1'])}.`,
    `The router's process used ${target.cpuSeconds.toFixed(1)} s of CPU.`,
  ].join(' ')
}
