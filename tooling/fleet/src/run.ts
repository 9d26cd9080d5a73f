import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Child, Program } from './children.ts'
import { createCrew } from './crew.ts'
import { readJournals } from './journal.ts'
import { judge, type Verdict } from './judge.ts'
import { lockMs, type Place, queuePath } from './place.ts'
import { type Random, randomFrom } from './random.ts'
import { type Outage, type RedisWeather, startRedisWeather } from './redis-weather.ts'
import { ask, idOf, type Message } from './sqs.ts'
import { createStaff } from './staff.ts'

export interface RunOptions {
  readonly seed: number
  readonly messages: number
  /** A row of `sabotages`. */
  readonly sabotage?: string | undefined
  /** Where the journals and logs go, and stay; left out: a folder that is removed. */
  readonly journals?: string | undefined
}

/** What happened to the fleet from outside. */
interface Weather {
  readonly kills: number
  readonly outages: Readonly<Record<Outage, number>>
}

export interface Report extends Verdict {
  readonly seed: number
  readonly weather: Weather
  /** What was still in the queue when nothing moved any more. */
  readonly stuck: number
  readonly seconds: number
}

const receivers = 2
const messagesPerSecond = 100
const shortestSendMs = 14_000
/** One of each, and more of what can happen more than once, for so many milliseconds of sending. */
const roundMs = 12_000
/** Between two outages, at least and at most: long enough for the fleet to be at work again. */
const calmMs = [1_500, 3_500] as const
/** A queue that has not shrunk for so long does not move any more: whatever comes back later than at once does so within seconds. */
const standstillMs = 60_000

/** Stop and pause in each round, in any order; the failover once, in the round in the middle. */
function outagesOf(random: Random, sendMs: number): Outage[] {
  const rounds = Math.max(1, Math.round(sendMs / roundMs))
  const middle = Math.floor(rounds / 2)
  return Array.from({ length: rounds }, (_, round): Outage[] =>
    random.shuffled(round === middle ? ['stop', 'pause', 'failover'] : ['stop', 'pause']),
  ).flat()
}

/**
 * Runs a fleet: a sender, an attacker between it and the queue, and two receivers, each a process of its own, while receivers are
 * killed and Redis is stopped, paused and failed over. Ends when the queue is empty, or nothing moves any more.
 *
 * The same seed makes the same plan; what meets what is up to the machine.
 */
export async function runFleet({ seed, messages, sabotage, journals }: RunOptions): Promise<Report> {
  const begunMs = performance.now()
  const random = randomFrom(seed)
  // To each its own: what one of them draws is not up to how fast another is.
  const own = (): Random => randomFrom(random.below(2 ** 32))
  const [ofChildren, ofStaff, ofRedis, ofPlan] = [own(), own(), own(), own()]
  const folder = journals ?? mkdtempSync(join(tmpdir(), 'fleet-'))
  mkdirSync(folder, { recursive: true })
  const key = randomBytes(32).toString('base64')
  const sendMs = Math.max(shortestSendMs, (messages / messagesPerSecond) * 1_000)
  const crew = createCrew()
  const storm = new AbortController()
  let redis: RedisWeather | undefined

  const start = (program: Program, name: string, endpoint: string): Promise<Child> => {
    const place: Place = {
      ...{ folder, isKept: journals !== undefined, name, endpoint, messages, sendMs, sabotage },
      seed: ofChildren.below(2 ** 32),
      sentinelPort: redis?.sentinel.port ?? 0,
      masterName: redis?.sentinel.masterName ?? '',
    }
    return crew.start(program, { place, key })
  }

  const play = async (weather: RedisWeather): Promise<Report> => {
    const { facts } = await start('broker', 'broker', '')
    const { endpoint = '' } = facts
    const attacker = await start('attacker', 'attacker', endpoint)
    const staff = createStaff(receivers, (name) => start('receiver', name, endpoint), ofStaff)
    await staff.hire()
    const sender = await start('sender', 'sender', attacker.facts.endpoint ?? '')

    const killing = staff.killNowAndThen(storm.signal)
    const outages = await goThrough(weather, outagesOf(ofPlan, sendMs), ofPlan)
    await sender.finished
    await attacker.finish()
    storm.abort()
    await killing
    const stuck = await drain(endpoint)
    await staff.dismiss()
    const letters = await deadLetters(endpoint)
    return {
      ...{ seed, stuck, weather: { kills: staff.kills, outages } },
      ...judge(readJournals(folder), letters),
      seconds: Math.round((performance.now() - begunMs) / 1_000),
    }
  }

  try {
    redis = await startRedisWeather(ofRedis)
    return await Promise.race([crew.failed, play(redis)])
  } finally {
    storm.abort()
    await crew.disband()
    await redis?.close()
    if (journals === undefined) rmSync(folder, { recursive: true, force: true })
  }
}

async function goThrough(
  redis: RedisWeather,
  plan: readonly Outage[],
  random: Random,
): Promise<Record<Outage, number>> {
  const counts = { stop: 0, pause: 0, failover: 0 }
  for (const outage of plan) {
    await sleep(random.between(...calmMs))
    await redis.outage(outage)
    counts[outage] += 1
  }
  return counts
}

interface Counts {
  readonly Attributes: Readonly<Record<string, string>>
}

/** Waits until the queue is empty or does not move any more, and resolves with how many messages are in it then. */
async function drain(endpoint: string): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  let leastAt = performance.now()
  while (least > 0 && performance.now() - leastAt < standstillMs) {
    const { Attributes: counts } = await ask<Counts>(endpoint, 'GetQueueAttributes', {
      QueueUrl: `${endpoint}${queuePath}`,
      AttributeNames: ['All'],
    })
    const names = ['', 'NotVisible', 'Delayed'].map((name) => `ApproximateNumberOfMessages${name}`)
    const left = names.reduce((sum, name) => sum + Number(counts[name] ?? 0), 0)
    if (left < least) [least, leastAt] = [left, performance.now()]
    if (left > 0) await sleep(lockMs / 20)
  }
  return least
}

/** The message ids of all dead letters, which are taken away. */
async function deadLetters(endpoint: string): Promise<string[]> {
  const ids: string[] = []
  for (;;) {
    const { Messages: letters = [] } = await ask<{ Messages?: readonly Message[] }>(endpoint, 'ReceiveMessage', {
      QueueUrl: `${endpoint}${queuePath}-dlq`,
      MaxNumberOfMessages: 10,
      MessageAttributeNames: ['All'],
      VisibilityTimeout: 3_600,
    })
    if (letters.length === 0) return ids
    ids.push(...letters.map(idOf))
  }
}
