import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { ToolMissing } from '../src/failure.ts'
import { kinds } from '../src/kinds.ts'
import { locate } from '../src/locate.ts'
import { type StubMachine, stubMachine } from './stub-machine.ts'

const { redis } = kinds
const patience = { timeout: 20_000 }

let machine: StubMachine
beforeEach(() => {
  machine = stubMachine()
})
afterEach(() => machine.remove())

const whole = (folder: string): void => {
  for (const name of ['redis-server', 'redis-cli', 'redis-benchmark']) machine.program(`${folder}/${name}`)
}

describe('a program that is on the machine', () => {
  test('is the one on the PATH, and nothing is fetched', async () => {
    whole('bin')
    const { paths } = await locate(redis, machine.where())
    expect(paths).toEqual(
      ['redis-server', 'redis-cli', 'redis-benchmark'].map((name) => join(machine.folder, 'bin', name)),
    )
    expect([machine.asked(), machine.said]).toEqual([[], []])
  })

  test('is the one in a usual folder where the PATH leaves that out', async () => {
    whole('usual')
    const where = { ...machine.where(), usual: [join(machine.folder, 'usual')] }
    expect((await locate(redis, where)).paths[0]).toBe(join(machine.folder, 'usual/redis-server'))
  })

  test('is the one that the variable names before that on the PATH, with what lies beside it', async () => {
    whole('bin')
    whole('own')
    const named = join(machine.folder, 'own/redis-server')
    const { paths } = await locate(redis, machine.where({ QUEUE_RUNTIME_REDIS_SERVER: named }))
    expect(paths).toEqual([named, join(machine.folder, 'own/redis-cli'), join(machine.folder, 'own/redis-benchmark')])
  })

  test('counts as missing where one of those that belong together is', async () => {
    machine.program('bin/redis-server')
    const { paths } = await locate(redis, machine.where())
    expect(paths[0]).toContain(machine.cache)
  })

  test('is passed over where it is too old', async () => {
    whole('bin')
    machine.program('bin/redis-server', 'echo Redis server v=6.2.14 sha=00000000:0')
    expect((await locate(redis, machine.where())).paths[0]).toContain(machine.cache)
  })

  test.each([
    ['echo Redis server v=6.2.14 sha=00000000:0', 'is older than Redis 7.'],
    ['echo no such library; exit 127', 'does not run here (no such library).'],
  ])('is not looked for elsewhere where the variable names one that says %s', async (body, sentence) => {
    whole('bin')
    whole('own')
    const named = machine.program('own/redis-server', body)
    const where = machine.where({ QUEUE_RUNTIME_REDIS_SERVER: named })
    await expect(locate(redis, where)).rejects.toThrow(`QUEUE_RUNTIME_REDIS_SERVER names ${named}, which ${sentence}`)
  })

  test.each([
    ['nowhere/redis-server', 'QUEUE_RUNTIME_REDIS_SERVER names nowhere/redis-server, which is no program.'],
    ['none', 'Redis is left out: QUEUE_RUNTIME_REDIS_SERVER is none.'],
  ])('is not looked for elsewhere where the variable is %s', async (value, sentence) => {
    whole('bin')
    const where = machine.where({ QUEUE_RUNTIME_REDIS_SERVER: value })
    await expect(locate(redis, where)).rejects.toThrow(sentence)
  })
})

describe('a program that is not on the machine', () => {
  test('is fetched once, into a folder named by its version, and finds its libraries and fonts', async () => {
    const { paths, env } = await locate(redis, machine.where())
    const [folder = ''] = machine.cached()
    expect(folder).toMatch(/^redis-server-\w+-\w+-7\.0\.15-1~deb12$/)
    const root = join(machine.cache, folder, 'root')
    expect(paths).toEqual(['server', 'cli', 'benchmark'].map((name) => join(root, `usr/bin/redis-${name}`)))
    expect(paths.every((path) => existsSync(path))).toBe(true)
    expect(env.LD_LIBRARY_PATH?.split(':')).toEqual([
      join(root, 'usr/lib/triplet'),
      join(root, 'usr/lib/triplet/private'),
    ])
    expect(env.FONTCONFIG_FILE).toBe(join(machine.cache, folder, 'fonts.conf'))
    expect(machine.said).toEqual(['Fetching Redis as Debian packages (once) …'])

    const asked = machine.asked()
    expect(asked.at(-1)).toMatch(
      /download redis-server=5:7\.0\.15-1~deb12 redis-tools=5:7\.0\.15-1~deb12 liblzf1=3\.6-3$/,
    )
    expect((await locate(redis, machine.where())).paths).toEqual(paths)
    expect(machine.asked()).toEqual(asked)
  })

  test('is fetched with package lists of its own where the machine has none', async () => {
    const IN_RESOLVE = `[ -e "${machine.folder}/log.updated" ] || fail Unable to locate package redis-server`
    await locate(redis, machine.where({ IN_RESOLVE }))
    expect(machine.asked().map((line) => /install|update|download/.exec(line)?.[0])).toEqual([
      undefined,
      'install',
      'update',
      'install',
      'download',
    ])
  })

  test('is fetched again, in what version there is now, where the download ends early', async () => {
    const IN_DOWNLOAD = `[ -e "${machine.folder}/log.updated" ] || fail 404 Not Found`
    await locate(redis, machine.where({ IN_DOWNLOAD }))
    expect(machine.asked().filter((line) => line.includes('download'))).toHaveLength(2)
  })

  test('is fetched by two at once, of which one folder stays', async () => {
    const [one, two] = await Promise.all([
      locate(redis, machine.where({ IN_DOWNLOAD: 'sleep 0.2' })),
      locate(redis, machine.where()),
    ])
    expect(one.paths).toEqual(two.paths)
    expect(machine.cached()).toHaveLength(1)
  })

  test('is fetched anew where a run before was killed halfway, and what that left is removed in time', async () => {
    const stuck = { ...machine.where().env, IN_DOWNLOAD: 'sleep 30', QUEUE_RUNTIME_TOOLS_CACHE: machine.cache }
    const main = fileURLToPath(new URL('fetch-redis.ts', import.meta.url))
    const child = spawn(process.execPath, [main, JSON.stringify({ ...machine.where(stuck), say: undefined })], {
      detached: true,
      stdio: 'ignore',
    })
    await vi.waitFor(() => expect(machine.asked().some((line) => line.includes('download'))).toBe(true), patience)
    process.kill(-(child.pid ?? 0), 'SIGKILL')

    const [left = ''] = machine.cached()
    const { paths } = await locate(redis, machine.where())
    expect(paths.every((path) => existsSync(path))).toBe(true)
    expect(machine.cached()).toHaveLength(2)

    const longAgo = Date.now() / 1000 - 2 * 3600
    utimesSync(join(machine.cache, left), longAgo, longAgo)
    await locate({ ...redis, packages: ['redis-tools', 'redis-server'] }, machine.where())
    expect(machine.cached()).not.toContain(left)
  })
})

describe('a program that cannot be had', () => {
  const advice =
    'install it (on Debian: apt-get install redis-server redis-tools), or name redis-server in QUEUE_RUNTIME_REDIS_SERVER.'

  const failures: readonly (readonly [what: string, env: NodeJS.ProcessEnv, because: string])[] = [
    [
      'the network is down',
      { IN_DOWNLOAD: 'fail Could not resolve deb.debian.org' },
      'the package mirror cannot be reached',
    ],
    [
      'there are no lists and no network',
      {
        IN_RESOLVE: 'fail Unable to locate package redis-server',
        IN_UPDATE: 'echo "Err: Temporary failure resolving \'deb.debian.org\'"',
      },
      'the package mirror cannot be reached',
    ],
    [
      'no source has it',
      { IN_RESOLVE: 'fail Unable to locate package redis-server' },
      'no package source of this machine has it',
    ],
    ['the disk is full', { IN_DOWNLOAD: 'fail No space left on device' }, 'the disk is full'],
    [
      'the mirror is not trusted',
      { IN_RESOLVE: 'fail the repository is not signed' },
      'what the package mirror sends is not trusted here',
    ],
    ['apt says something else', { IN_DOWNLOAD: 'fail the moon is full' }, 'E: the moon is full'],
    [
      'it does not run',
      { IN_PROGRAM: 'echo no such library >&2; exit 127' },
      'what was fetched does not run here (no such library)',
    ],
  ]
  test.each(failures)('is told in one sentence where %s, and leaves nothing', async (_, env, because) => {
    const sentence = `Redis is not on this machine and could not be fetched because ${because}: ${advice}`
    await expect(locate(redis, machine.where(env))).rejects.toThrow(new ToolMissing(sentence))
    expect(machine.cached()).toEqual([])
  })

  test('is told where there is no apt', async () => {
    using bare = disposable(stubMachine({ hasApt: false }))
    await expect(locate(redis, bare.machine.where())).rejects.toThrow(
      new ToolMissing(`Redis is not on this machine and cannot be fetched, since there is no apt-get here: ${advice}`),
    )
  })

  test('is told where the cache cannot be written', async () => {
    mkdirSync(join(machine.folder, 'full'))
    writeFileSync(join(machine.folder, 'full/cache'), 'a file')
    const where = { ...machine.where(), cache: join(machine.folder, 'full/cache') }
    await expect(locate(redis, where)).rejects.toThrow(`because a file or folder cannot be written: ${advice}`)
    expect(readFileSync(where.cache, 'utf8')).toBe('a file')
  })
})

const disposable = (bare: StubMachine) => ({ machine: bare, [Symbol.dispose]: bare.remove })
