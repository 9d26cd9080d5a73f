import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startRedis } from '@queue-runtime/redis-server'
import { expect, it } from 'vitest'
import { needsRedis } from './redis-here.ts'

needsRedis()

const folder = fileURLToPath(new URL('..', import.meta.url))
const readme = readFileSync(`${folder}/README.md`, 'utf8')

it('the program of the README runs, with a server in the place of its own', async () => {
  await using server = await startRedis({ config: { appendonly: 'yes' } })
  const program = /^```js\n(.*?)^```/ms.exec(readme)?.[1] ?? ''
  const local = program.replace('redis://127.0.0.1:6379', server.url)
  expect(local).not.toBe(program)
  const env = { PATH: process.env.PATH, NO_COLOR: '1' }
  const run = promisify(execFile)(process.execPath, ['--input-type=module', '-e', local], { cwd: folder, env })
  expect(await run).toEqual({ stdout: '{ order: 7 }\n', stderr: '' })
  expect(await server.command('KEYS', 'qr:n:*')).toMatch(/^qr:n:orders:orders-1:[A-Za-z0-9_-]{16}$/)
})

it('the permissions of the README are those of the guide', () => {
  const guide = readFileSync(`${folder}/../../docs/replay-protection.md`, 'utf8')
  const [, commands, keys] = /`(\+evalsha[^`]*)` on `([^`]+)`/.exec(readme) ?? []
  expect(guide).toContain(`${keys} ${commands}\n`)
})

it('the README is no longer than a screen or two', () => {
  expect(readme.split('\n').length).toBeLessThanOrEqual(61)
})
