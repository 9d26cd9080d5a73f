import { describe, it } from 'vitest'
import { clientKit, plainClients, providerKit, runCase, sealedClients, trackedClients } from '../src/index.ts'
import { describeCases } from '../src/vitest.ts'
import { memory, simplest } from './memory-provider.ts'
import { missed, pairsOf, unnamed } from './mutation.ts'

const subjects = [plainClients(memory), sealedClients(memory), trackedClients(memory), sealedClients(simplest)]

for (const subject of subjects) describeCases(clientKit, subject)

describe.concurrent('the kit catches a client on a provider', () => {
  it.for(pairsOf(clientKit))('%s', async ([, one], { expect }) => {
    expect(await missed(clientKit, subjects.slice(0, 2), one)).toEqual([])
  })

  it('with every fault that it knows, or the kit for providers does', ({ expect }) => {
    expect(unnamed({ ...clientKit, cases: [...clientKit.cases, ...providerKit.cases] })).toEqual([])
  })
})

describe('a client whose broker knows no delayed abandon', () => {
  const subject = sealedClients(simplest)

  it('gives a message that it keeps for a delay back as soon as it closes (C8)', async ({ expect }) => {
    await runCase(clientKit, subject, {
      async run(bench) {
        const client = bench.client()
        await client.send({ body: 'hello' })
        await (await client.receive({ waitMs: 0 }))?.abandon({ delayMs: 60_000 })
        await client.close()
        const again = await bench.client().receive({ waitMs: 0 })
        expect(again?.deliveryCount).toBe(2)
      },
    })
  })

  it('says of an abandon with a delay that the lock had ended (C7)', async ({ expect }) => {
    await runCase(clientKit, subject, {
      async run(bench) {
        const client = bench.client()
        await client.send({ body: 'hello' })
        const message = await client.receive({ waitMs: 0 })
        await bench.time.advance(bench.lockMs + 1)
        await expect(message?.abandon({ delayMs: 5_000 })).rejects.toMatchObject({ code: 'MessageLockLost' })
      },
    })
  })
})
