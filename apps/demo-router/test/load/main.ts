import { parseArgs } from 'node:util'
import { describeLoad, runLoad } from './run-load.ts'

const { values } = parseArgs({ options: { seconds: { type: 'string' }, connections: { type: 'string' } } })
const { seconds = '30', connections = '32' } = values
const result = await runLoad({ seconds: Number(seconds), connections: Number(connections) })
process.stdout.write(`${describeLoad(result)}\n`)
process.exitCode = result.lost.length + result.twice.length + result.strange.length === 0 ? 0 : 1
