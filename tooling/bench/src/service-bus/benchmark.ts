import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type Random, shuffled } from '../random.ts'
import type { WorkloadResult } from '../report.ts'
import { ratioOf, spreadOf } from '../statistics.ts'
import { type BusContender, queueClient, sdkByHand, sealing } from './contenders.ts'

/** From here to the emulator and back, of the far one, in milliseconds. */
const ROUND_TRIP_MS = 10
const BODY_BYTES = 1_024
const MESSAGES = 3_000
const WARM_UPS = 2

interface Places {
  readonly near: string
  readonly far: string
}

const server = new URL(import.meta.url.endsWith('.ts') ? 'server.ts' : 'server.js', import.meta.url)

const start = async (): Promise<{ child: ChildProcess; places: Places }> => {
  const child = fork(server, [String(ROUND_TRIP_MS / 2)])
  const [places] = await once(child, 'message')
  return { child, places }
}

interface Lane {
  readonly contender: BusContender
  readonly sending: number[]
  readonly receiving: number[]
}

const perMessage = async (work: Promise<void>): Promise<number> => {
  const begun = performance.now()
  await work
  return ((performance.now() - begun) * 1_000) / MESSAGES
}

const result = (name: string, lanes: readonly Lane[], times: (lane: Lane) => readonly number[]): WorkloadResult => {
  const [first = [], second = []] = lanes.map(times)
  return {
    name,
    bases: ['SDK by hand', 'plain'],
    contenders: lanes.map((lane) => ({
      name: lane.contender.name,
      microseconds: spreadOf(times(lane)),
      timesFirst: ratioOf(times(lane), first),
      timesSecond: ratioOf(times(lane), second),
    })),
  }
}

/** Yields the times of sending, and of receiving and completing, near and far; the emulator is a process of its own. */
export async function* benchServiceBus({
  rounds,
  random,
}: {
  readonly rounds: number
  readonly random: Random
}): AsyncGenerator<WorkloadResult> {
  const { child, places } = await start()
  const bodies = Array.from({ length: MESSAGES }, () => new Uint8Array(randomBytes(BODY_BYTES)))
  try {
    for (const [place, connectionString] of Object.entries(places)) {
      const contenders = [
        sdkByHand(connectionString),
        queueClient('client, plain', connectionString),
        queueClient('client, sealed', connectionString, sealing()),
      ]
      const lanes = contenders.map((contender): Lane => ({ contender, sending: [], receiving: [] }))
      for (let round = -WARM_UPS; round < rounds; round += 1) {
        for (const { contender, sending, receiving } of shuffled(lanes, random)) {
          const sent = await perMessage(contender.send(bodies))
          const received = await perMessage(contender.receive(MESSAGES))
          if (round < 0) continue
          sending.push(sent)
          receiving.push(received)
        }
      }
      const where = place === 'near' ? 'on this machine' : `${ROUND_TRIP_MS} ms there and back`
      yield result(`send, ${where}`, lanes, ({ sending }) => sending)
      yield result(`receive and complete, ${where}`, lanes, ({ receiving }) => receiving)
      await Promise.all(contenders.map((contender) => contender.close()))
    }
  } finally {
    child.disconnect()
  }
}
