import { describe, expect, it } from 'vitest'
import type { Job, Outcome } from '../src/consuming/handling.ts'
import { openLine } from '../src/consuming/in-order.ts'

/** A job that writes down what happens to it. */
const jobOf = (name: string, asked: string[], outcome: Outcome | Promise<Outcome> = 'done'): Job => ({
  async run() {
    asked.push(`run ${name}`)
    const became = await outcome
    asked.push(`${name} ${became}`)
    return became
  },
  release: async () => void asked.push(`release ${name}`),
})

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('messages of one session', () => {
  it('are handled one after the other, those that come meanwhile, too (C15)', async () => {
    const asked: string[] = []
    const first = Promise.withResolvers<Outcome>()
    let ended = 0
    const line = openLine([jobOf('a', asked, first.promise), jobOf('b', asked)], {
      onEnd: () => {
        ended += 1
      },
    })
    line.add(jobOf('c', asked))
    await turn()
    expect([asked, ended]).toEqual([['run a'], 0])
    first.resolve('done')
    await line.ended
    expect([asked, ended]).toEqual([['run a', 'a done', 'run b', 'b done', 'run c', 'c done'], 1])
  })

  it.each(['returned', 'kept'] as const)(
    'behind one that stays in the queue (%s) are given back, and come after it',
    async (outcome) => {
      const asked: string[] = []
      const stayed = Promise.withResolvers<void>()
      const onStay = async (): Promise<void> => {
        asked.push('stay')
        await stayed.promise
      }
      const line = openLine([jobOf('a', asked, outcome), jobOf('b', asked), jobOf('c', asked)], { onStay })
      await turn()
      // Its next delivery.
      line.add(jobOf('a again', asked))
      await turn()
      expect(asked).toEqual(['run a', `a ${outcome}`, 'release b', 'release c', 'stay'])
      stayed.resolve()
      await line.ended
      expect(asked.slice(5)).toEqual(['run a again', 'a again done'])
    },
  )

  it('are all given back at once where somebody takes them away', async () => {
    const asked: string[] = []
    const stuck = Promise.withResolvers<Outcome>()
    const line = openLine([jobOf('a', asked, stuck.promise), jobOf('b', asked)])
    line.add(jobOf('c', asked))
    await line.release()
    stuck.resolve('returned')
    await line.ended
    expect(asked).toEqual(['run a', 'release a', 'release b', 'release c', 'a returned'])
  })

  it('can be added until the very moment in which the end is told', async () => {
    const asked: string[] = []
    let isOpen = true
    const line = openLine([jobOf('a', asked)], {
      onEnd: () => {
        isOpen = false
      },
    })
    let added = 0
    // Whoever looks in any turn of the event loop finds it open, and is served, or closed.
    for (let look = 0; look < 50 && isOpen; look += 1) {
      line.add(jobOf(String(look), asked))
      added += 1
      await Promise.resolve()
      if (look > 10) break
    }
    await line.ended
    expect(asked.filter((text) => text.startsWith('run'))).toHaveLength(added + 1)
  })
})
