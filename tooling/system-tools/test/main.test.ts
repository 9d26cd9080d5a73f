import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
const names = ['REDIS_SERVER', 'CHROMIUM', 'PROMTOOL'].map((name) => `QUEUE_RUNTIME_${name}`)
const all = (value: string) => Object.fromEntries(names.map((name) => [name, value]))

const run = (env: NodeJS.ProcessEnv) => {
  const { status, stderr } = spawnSync(process.execPath, [main], {
    env: { PATH: process.env.PATH, ...env },
    encoding: 'utf8',
  })
  return { status, lines: stderr.trim().split('\n') }
}

test.each([
  ['a program is missing', all('/nowhere'), 1],
  ['all is left out because somebody says so', all('none'), 0],
  ['all is left out where everything is to be tested', { ...all('none'), CI: 'true' }, 1],
  ['one is left out and another is missing', { ...all('none'), QUEUE_RUNTIME_PROMTOOL: '/nowhere' }, 1],
])('the set-up where %s ends with every reason and exit code $2', (_, env, expected) => {
  const { status, lines } = run(env)
  expect(status).toBe(expected)
  expect(lines).toHaveLength(names.length)
})
