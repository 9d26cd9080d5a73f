import type { Logger } from '@queue-runtime/core'
import type { FastifyInstance } from 'fastify'
import { type Dashboard, startDashboard } from '../dashboard/dashboard.ts'
import type { Snapshot } from '../dashboard/events.ts'
import { refuseStrangers } from '../dashboard/guard.ts'
import { createMessages } from '../dashboard/messages.ts'
import { createPoints } from '../dashboard/points.ts'
import { serveDashboard } from '../dashboard/routes.ts'
import { realDeliveries } from '../demo/deliveries.ts'
import { expectedQueue } from '../demo/expected.ts'
import type { House } from '../demo/house.ts'
import { type Observer, tellAll } from '../demo/observer.ts'
import { createPost } from '../demo/post.ts'
import type { QueueName } from '../github/routes.ts'
import { HOME } from './attack-run.ts'
import { type Books, createBooks, inTurn } from './books.ts'
import { createCrew } from './crew.ts'
import { createExpectations, type Expectations } from './expectations.ts'
import { createLab, type Lab } from './lab.ts'
import { serveLab } from './routes.ts'
import { createTraffic, type Traffic } from './traffic.ts'

/** The page's side of a house: what it shows, and what its buttons do. */
export interface Live {
  /** Told of all that happens to messages. */
  readonly observer: Required<Observer>
  readonly expectations: Expectations
  /** Adds the routes, and those of `more`, for programs and pages of this machine alone; what they need comes with `attach`. */
  serve(app: FastifyInstance, more: (guarded: FastifyInstance) => void): void
  attach(house: House, logger: Logger): Attached
}

interface Attached {
  readonly dashboard: Dashboard
  readonly lab: Lab
  readonly books: Books
  readonly traffic: Traffic
  close(): Promise<void>
}

export interface LiveOptions {
  readonly backends: Snapshot['backends']
  /** For tests. */
  readonly perSecond?: number
  readonly timeoutMs?: number
}

export function createLive({ backends, perSecond, timeoutMs }: LiveOptions): Live {
  let attached: Attached | undefined
  let house: House | undefined
  const visitors = new Set<Observer>()
  const messages = createMessages((row) => attached?.dashboard.feed.publishMessage(row))
  const points = createPoints(() => house?.clock.now() ?? Date.now())
  const books = createBooks()
  const isUnusual = (): boolean => attached?.lab.isUnusual ?? false
  const expectations = createExpectations(isUnusual)

  const visiting: Required<Observer> = {
    stored: (...told) => tellAll([...visitors]).stored(...told),
    completed: (...told) => tellAll([...visitors]).completed(...told),
    dead: (...told) => tellAll([...visitors]).dead(...told),
    read: (...told) => tellAll([...visitors]).read(...told),
    rejected: (...told) => tellAll([...visitors]).rejected(...told),
  }

  const attach = (given: House, logger: Logger): Attached => {
    house = given
    const { clock, counters, clientProvider: provider } = given
    const closing = new AbortController()
    const deliveries = realDeliveries().flatMap((delivery) => {
      const queue = expectedQueue(delivery)
      return queue === undefined ? [] : [[queue, delivery] as const]
    })
    const all = inTurn(deliveries)
    const next = (queue?: QueueName) => {
      for (;;) {
        const { value } = all.next()
        if (queue === undefined || value[0] === queue) return value
      }
    }
    const traffic = createTraffic({
      ...{ books, next, ...(perSecond !== undefined && { perSecond }) },
      post: createPost(given.webhookUrl, given.secret, closing.signal),
    })
    const transport = given.provider.open(HOME)
    const { features } = transport
    void transport.close()
    const crew = createCrew({ provider, clock, logger, onRead: given.onRead, onRejected: given.onRejected })
    const lab = createLab({
      ...{ clock, logger, provider, crew, traffic, books, ...(timeoutMs !== undefined && { timeoutMs }) },
      copies: given.copies,
      features,
      broker: given.provider,
      senders: given.senders,
      keys: given.keys,
      nonceStore: given.nonceStore,
      powers: given.powers,
      botProtection: given.botProtection,
      observe(observer) {
        visitors.add(observer)
        return () => visitors.delete(observer)
      },
      onTouch: expectations.touch,
      onTaken: messages.taken,
      onAttacked(attack, copy) {
        messages.attacked(attack, copy)
        books.attacked(copy)
      },
      onChange() {
        expectations.disturb()
        dashboard.labChanged()
      },
      onRedriven: points.redriven,
      refresh: (queue) => dashboard.refresh(queue),
      onAttackEnded: (result) => dashboard.attackEnded(result),
    })
    const dashboard = startDashboard({
      ...{ backends, messages, points },
      requests: counters.snapshot,
      look: lab.lookAt,
      lab: lab.look,
    })
    attached = {
      ...{ dashboard, lab, books, traffic },
      async close() {
        const idle = lab.close()
        closing.abort(new Error('The demo is ending.'))
        await traffic.close()
        await idle
        await crew.close()
        await dashboard.close()
      },
    }
    return attached
  }

  return {
    observer: tellAll([messages, points, books, visiting]),
    expectations,
    serve(app, more) {
      app.register(async (guarded) => {
        guarded.addHook('onRequest', refuseStrangers)
        more(guarded)
        serveDashboard(guarded, () => attached?.dashboard)
        guarded.register(async (buttons) => serveLab(buttons, () => attached?.lab))
      })
    },
    attach,
  }
}
