import { kindNames } from './kinds.ts'
import { whyMissing } from './tools.ts'

// Side by side: they wait for the package mirror more than for the machine.
const reasons = await Promise.all(kindNames.map((name) => whyMissing(name)))
for (const reason of reasons.filter((reason) => reason !== undefined)) process.stderr.write(`${reason}\n`)
process.exitCode = reasons.some((reason) => reason !== undefined) ? 1 : 0
