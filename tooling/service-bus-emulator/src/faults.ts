import type { Clock } from '@queue-runtime/core'
import { checkOptions, option } from '@queue-runtime/core/provider'
import { failureOf } from './amqp/conditions.ts'
import type { AmqpFailure } from './amqp/rhea.ts'

/** Where a fault can strike. */
export type FaultPoint = 'attach' | 'cbs' | 'send' | 'deliver' | 'settle' | 'drain' | 'management'

/** What is about to happen. */
export interface FaultEvent {
  readonly point: FaultPoint
  /** The address, without `/$management`: `orders` or `orders/$DeadLetterQueue`. Empty for `cbs`. */
  readonly queue: string
  /** The outcome that is asked for, or the management operation. */
  readonly operation?: string
}

/**
 * What goes wrong. `before` and `after` say whether the broker has done what was asked when it happens: a message is stored,
 * a settlement has its effect, and the answer is what gets lost.
 */
export type Fault =
  /** The client is told this error, one of CONDITION or its own, and nothing is done. */
  | { readonly error: string; readonly description?: string }
  /** The connection breaks. */
  | { readonly drop: 'before' | 'after' }
  /** No answer ever. */
  | { readonly stall: 'before' | 'after' }
  /** It is done, and answered, so much later. */
  | { readonly delayMs: number }

export interface FaultOptions {
  /** Only this queue; its dead letters have an address of their own. */
  readonly queue?: string
  /** Only this outcome or management operation. */
  readonly operation?: string
  /** How often it strikes. Default: until removed. */
  readonly times?: number
}

/** Returns the fault for an event, or nothing: for faults at random, or by whatever a test knows. */
export type FaultChoice = (event: FaultEvent) => Fault | undefined

/** One thing that a client asks for, in the steps between which a fault can come. */
interface Attempt<T> {
  act(): T
  answer(result: T): void
  refuse(failure: AmqpFailure): void
  drop(): void
}

export interface Faults {
  /** Returns how to remove the fault. */
  inject(point: FaultPoint, fault: Fault | FaultChoice, options?: FaultOptions): () => void
  /** Does what was asked for, unless a fault comes between. */
  run<T>(event: FaultEvent, attempt: Attempt<T>): void
  /** Ends all delays: what waits is never done. */
  close(): void
}

interface Rule {
  readonly point: FaultPoint
  readonly choose: FaultChoice
  readonly options: FaultOptions
  left: number
}

const POINTS: readonly string[] = ['attach', 'cbs', 'send', 'deliver', 'settle', 'drain', 'management']

const isSame = (wanted: string | undefined, actual: string | undefined): boolean =>
  wanted === undefined || wanted.toLowerCase() === actual?.toLowerCase()

export function createFaults(clock: Clock): Faults {
  const rules = new Set<Rule>()
  const closed = new AbortController()

  const pick = (event: FaultEvent): Fault | undefined => {
    for (const rule of rules) {
      const { point, options, choose } = rule
      if (point !== event.point || !isSame(options.queue, event.queue) || !isSame(options.operation, event.operation)) {
        continue
      }
      const fault = choose(event)
      if (fault === undefined) continue
      rule.left -= 1
      if (rule.left <= 0) rules.delete(rule)
      return fault
    }
    return undefined
  }

  /** Acts and goes on with `then`; a refusal of the broker itself is answered as ever. */
  const act = <T>(attempt: Attempt<T>, then: (result: T) => void): void => {
    let result: T
    try {
      result = attempt.act()
    } catch (error) {
      attempt.refuse(failureOf(error))
      return
    }
    then(result)
  }

  const strike = <T>(fault: Fault, attempt: Attempt<T>): void => {
    if ('error' in fault) {
      attempt.refuse({ condition: fault.error, description: fault.description ?? `Injected: ${fault.error}.` })
    } else if ('drop' in fault) {
      if (fault.drop === 'after') act(attempt, () => {})
      attempt.drop()
    } else if ('stall' in fault) {
      if (fault.stall === 'after') act(attempt, () => {})
    } else {
      const later = (): void => act(attempt, attempt.answer)
      clock.sleep(fault.delayMs, closed.signal).then(later, () => {})
    }
  }

  return {
    inject(point, fault, options = {}) {
      checkOptions(
        { point, ...options },
        {
          point: option.oneOf(...POINTS),
          queue: option.that('text', (value) => typeof value === 'string'),
          operation: option.that('text', (value) => typeof value === 'string'),
          times: option.wholeNumber(1),
        },
      )
      const choose = typeof fault === 'function' ? fault : () => fault
      const rule: Rule = { point, choose, options, left: options.times ?? Number.POSITIVE_INFINITY }
      rules.add(rule)
      return () => {
        rules.delete(rule)
      }
    },
    run(event, attempt) {
      const fault = pick(event)
      if (fault === undefined) act(attempt, attempt.answer)
      else strike(fault, attempt)
    },
    close: () => closed.abort(),
  }
}
