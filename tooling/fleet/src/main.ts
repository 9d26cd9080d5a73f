import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Report, runFleet } from './run.ts'
import { sabotages } from './sabotage.ts'

const usage = `pnpm fleet [--runs 20] [--messages 500] [--seed <first seed>] [--sabotage <one of them>] [--journals <folder>]
Sabotages: ${Object.keys(sabotages).join(' · ')}
`

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '1' },
    messages: { type: 'string', default: '500' },
    seed: { type: 'string' },
    sabotage: { type: 'string' },
    journals: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

const problems = ({ wrongs, stuck }: Report): string[] => [
  ...Object.entries(wrongs)
    .filter(([, found]) => found.length > 0)
    .map(([name, found]) => `${name}: ${found.length}, as ${found.slice(0, 3).join(', ')}`),
  ...(stuck > 0 ? [`stuck: ${stuck}`] : []),
]

async function main(): Promise<boolean> {
  const { sabotage } = values
  if (values.help || (sabotage !== undefined && sabotages[sabotage] === undefined)) {
    process.stdout.write(usage)
    return values.help
  }
  const bad: number[] = []
  const runs = Number(values.runs)
  for (let run = 1; run <= runs; run++) {
    const seed = values.seed === undefined ? randomBytes(4).readUInt32BE() : Number(values.seed) + run - 1
    const journals = values.journals && join(values.journals, String(seed))
    const report = await runFleet({ seed, messages: Number(values.messages), sabotage, journals })
    const wrongs = problems(report)
    if (wrongs.length > 0) bad.push(seed)
    const { weather, figures, seconds } = report
    const verdict = wrongs.length === 0 ? 'nothing wrong' : wrongs.join('; ')
    process.stdout.write(
      `${run}/${runs} seed ${seed}, ${seconds} s: ${verdict} ${JSON.stringify({ ...figures, weather })}\n`,
    )
  }
  process.stdout.write(bad.length === 0 ? `${runs} runs, nothing wrong\n` : `wrong with seeds ${bad.join(', ')}\n`)
  return bad.length === 0
}

process.exitCode = (await main()) ? 0 : 1
