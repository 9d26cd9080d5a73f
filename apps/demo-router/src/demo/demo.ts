import type { Attack } from '../attacks/attack.ts'
import type { BackendNames } from '../backends/backends.ts'
import type { SkippingClock } from '../clock.ts'
import type { Books } from '../lab/books.ts'
import { createLive } from '../lab/live.ts'
import { createDemoLogger } from '../logger.ts'
import { WEBHOOK_PATH } from '../server.ts'
import { serveMetrics } from '../telemetry/metrics-endpoint.ts'
import { measureRequests } from '../telemetry/requests.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'
import { createRecent } from '../view/recent.ts'
import { serveView } from '../view/serve.ts'
import type { RunState, ViewState } from '../view/state.ts'
import type { Progress } from './deliver.ts'
import type { Delivery } from './deliveries.ts'
import { EMBEDDED, openGround } from './ground.ts'
import { openHouse, type Seams } from './house.ts'
import { createLedger } from './ledger.ts'
import { tellAll, tellWhile } from './observer.ts'
import type { Result } from './result.ts'
import { runScenario } from './scenario.ts'
import { createWireTap } from './wire-tap.ts'

/** `seams`, `deliveries`, `attacks`, `timeoutMs` and `perSecond` are for tests. */
export interface DemoOptions {
  /** 0 takes any free port. */
  readonly port: number
  /** Default: all in this process. */
  readonly backends?: BackendNames
  /** Takes the warnings that nobody expected. */
  readonly warn: (line: string) => void
  readonly onProgress?: (progress: Progress) => void
  /** Ends the start when it aborts. A demo that is up is closed by `close`. */
  readonly signal?: AbortSignal
  readonly seams?: Seams
  readonly deliveries?: readonly Delivery[]
  readonly attacks?: readonly Attack[]
  readonly timeoutMs?: number
  /** Deliveries that are posted each second while it lives. Default 4. */
  readonly perSecond?: number
  /** What this process measures, shown at `/metrics`. */
  readonly telemetry?: Telemetry
}

/** Router, bots and page, up and waiting. */
export interface Demo {
  readonly url: string
  /** Plays the scenario, once. Rejects when the demo is closed meanwhile. */
  run(): Promise<Result>
  /** What was posted since it lives, and what became of it. */
  readonly books: Pick<Books, 'tally' | 'due'>
  /** The clock of all who take part. */
  readonly clock: SkippingClock
  /** Has the bots stay and deliveries flow, and takes orders of the page. */
  live(): Promise<void>
  /** Ends what is running, then the bots and the server. */
  close(): Promise<void>
}

/** Starts everything but the scenario. Rejects where the port is taken, or when `signal` aborts meanwhile. */
export async function openDemo(options: DemoOptions): Promise<Demo> {
  const { port, backends = EMBEDDED, warn, onProgress, signal, seams, perSecond, telemetry, ...scenario } = options
  const ledger = createLedger()
  const tap = createWireTap()
  const recent = createRecent()
  const live = createLive({
    backends,
    ...(options.timeoutMs !== undefined && { timeoutMs: options.timeoutMs }),
    ...(perSecond !== undefined && { perSecond }),
  })
  const { touch, isExpected } = live.expectations
  const logger = createDemoLogger(warn, isExpected)
  let run: RunState = { phase: 'waiting', progress: null, queues: [], attacks: [], failures: [] }
  const update = (change: Partial<RunState>): void => {
    run = { ...run, ...change }
  }
  const state = (): ViewState => ({
    ...run,
    requests: house.counters.snapshot(),
    expectedLines: logger.expected,
    messages: recent.messages,
  })
  // What is kept of a run must not grow with a house that never ends.
  const whilePlaying = tellWhile(() => run.phase !== 'done', tellAll([ledger, tap]))
  const ground = await openGround(backends, logger, signal)
  const house = await openHouse({
    ...{ port, ground, logger, ...(seams && { seams }) },
    observer: tellAll([whilePlaying, recent, live.observer]),
    serve(app) {
      live.serve(app, (guarded) => {
        serveView(guarded, state)
        if (telemetry !== undefined) serveMetrics(guarded, telemetry)
      })
      if (telemetry !== undefined) {
        const counters = { snapshot: () => house.counters.snapshot() }
        measureRequests(app, WEBHOOK_PATH, { counters, meterProvider: telemetry.meterProvider })
      }
    },
  }).catch(async (error: unknown) => {
    await ground.close()
    throw error
  })
  const { lab, books, close: closeLive } = live.attach(house, logger)
  const closing = new AbortController()

  const play = async (): Promise<Result> => {
    update({ phase: 'delivering' })
    const result = await runScenario({
      ...{ house, ledger, tap, signal: closing.signal, ...scenario },
      onProgress(progress) {
        update({ progress })
        onProgress?.(progress)
      },
      onQueues: (queues) => update({ phase: 'attacking', queues }),
      onTouch: touch,
      onAttacked: ({ name }, copy) => recent.attacked(name, copy),
      onTaken: recent.forget,
      onAttack: (row) => update({ attacks: [...run.attacks, row] }),
    })
    update({ phase: 'done', failures: result.failures })
    return result
  }

  let playing: Promise<unknown> = Promise.resolve()
  return {
    ...{ url: house.url, clock: house.clock, books },
    run() {
      const result = play()
      playing = result.catch(() => {})
      return result
    },
    live: () => lab.begin(),
    async close() {
      closing.abort(new Error('The demo was stopped.'))
      await playing
      await closeLive()
      await house.close()
      await ground.close()
    },
  }
}
