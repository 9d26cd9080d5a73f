import { without } from './find.ts'
import { type KindName, kindNames, kinds } from './kinds.ts'
import { whyMissing } from './tools.ts'

/** Who says so may test without a program, whose tests are then skipped; where everything is to be tested nobody may. */
const mayMiss = (name: KindName): boolean => process.env[kinds[name].variable] === without && !process.env.CI

// Side by side: they wait for the package mirror more than for the machine.
const outcomes = await Promise.all(kindNames.map(async (name) => ({ name, reason: await whyMissing(name) })))
const missing = outcomes.filter(({ reason }) => reason !== undefined)
for (const { reason } of missing) process.stderr.write(`${reason}\n`)
process.exitCode = missing.every(({ name }) => mayMiss(name)) ? 0 : 1
