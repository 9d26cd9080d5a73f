import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { kinds } from '../src/kinds.ts'
import { locate } from '../src/locate.ts'

test('Redis of the package mirror runs from a folder that anybody may write', async ({ skip, onTestFinished }) => {
  const cache = mkdtempSync(join(tmpdir(), 'system-tools-'))
  onTestFinished(() => rmSync(cache, { recursive: true }))
  const where = { env: process.env, cache, usual: [], say: () => undefined }
  const away = { ...where, env: { ...process.env, PATH: '/usr/bin:/bin' } }
  const located = await locate({ ...kinds.redis, programs: hidden }, away).catch((error: Error) => {
    if (/cannot be reached|no apt-get/.test(error.message)) skip(error.message)
    throw error
  })
  for (const path of located.paths) {
    expect(String(execFileSync(path, ['--version'], { env: located.env }))).toMatch(/\d+\.\d+\.\d+/)
  }
})

// By names that no machine has, so that it is fetched wherever the test runs.
const hidden: typeof kinds.redis.programs = [
  { names: ['no-redis-server'], unpacked: 'usr/bin/redis-server' },
  { names: ['no-redis-cli'], unpacked: 'usr/bin/redis-cli' },
]
