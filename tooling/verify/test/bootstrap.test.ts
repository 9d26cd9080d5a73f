import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

// Each test starts processes, which takes longer on a busy machine.
vi.setConfig({ testTimeout: 30_000 })
const patience = { timeout: 10_000 }

const bootstrap = fileURLToPath(new URL('../../bootstrap', import.meta.url))
const platform = `${process.platform}-${process.arch}`
const newest = 999

/**
 * A repository that wants a Node and a pnpm that no machine has, with an npm that pretends to fetch them. FAIL_NPM and FAIL_PNPM make
 * theirs run that and fail; DURING_NPM runs between the fetching of the two.
 */
let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'bootstrap-'))
  cpSync(bootstrap, join(root, 'tooling/bootstrap'), { recursive: true, filter: (path) => !path.includes('.cache') })
  write('package.json', { engines: { node: `>=${newest}` }, packageManager: `pnpm@${newest}.1.0` })
  const optionalDependencies = { [`node-${platform}`]: `${newest}.0.0`, [`@pnpm/exe.${platform}`]: `${newest}.1.0` }
  write('tooling/bootstrap/package.json', { optionalDependencies })
  write('tooling/bootstrap/package-lock.json', { packages: {} })
  script(
    'pnpm',
    `[ "$1" = --version ] && echo ${newest}.1.0 && exit; echo "pnpm $* $pnpm_config_registry" >> "$LOG"; $FAIL_PNPM`,
  )
  script('node', `[ "$1" = --version ] && echo v${newest}.0.0 && exit; exec "${process.execPath}" "$@"`)
  script(
    'npm/npm',
    `echo "npm $*" >> "$LOG"; $FAIL_NPM
    mkdir -p node_modules/node-${platform}/bin node_modules/@pnpm/exe.${platform}
    cp "${root}/node" node_modules/node-${platform}/bin/node
    eval "$DURING_NPM"
    cp "${root}/pnpm" node_modules/@pnpm/exe.${platform}/pnpm`,
  )
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

function write(path: string, content: object): void {
  writeFileSync(join(root, path), JSON.stringify(content))
}

function script(path: string, body: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), `#!/bin/sh\nfail() { echo "$*"; exit 1; }\n${body}\n`, { mode: 0o755 })
}

function start(args: readonly string[], env: Record<string, string> = {}): ChildProcess {
  return spawn(process.execPath, [join(root, 'tooling/bootstrap/run.mjs'), ...args], {
    env: { PATH: `${join(root, 'npm')}:/usr/bin:/bin`, HOME: root, LOG: join(root, 'log'), ...env },
  })
}

async function ended(child: ChildProcess) {
  let stdout = ''
  let stderr = ''
  child.stdout?.on('data', (text) => (stdout += text))
  child.stderr?.on('data', (text) => (stderr += text))
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) => {
    child.on('close', (code, signal) => resolve([code, signal]))
  })
  return { code, signal, stdout, stderr }
}

const run = (args: readonly string[], env?: Record<string, string>) => ended(start(args, env))
const log = (): string => (existsSync(join(root, 'log')) ? readFileSync(join(root, 'log'), 'utf8') : '')
const cached = (): string[] => readdirSync(join(root, 'tooling/bootstrap/.cache'))

describe('the bootstrap', () => {
  test('runs a command with the fetched tools first on the path and the dependencies installed', async () => {
    const { code, stdout, stderr } = await run(['sh', '-c', 'command -v node; command -v pnpm'])
    expect(code).toBe(0)
    expect(stdout.split('\n').map((line) => line.replace(/.*\.cache\/[^/]+\//, ''))).toEqual([
      `node_modules/node-${platform}/bin/node`,
      `node_modules/@pnpm/exe.${platform}/pnpm`,
      '',
    ])
    expect(stderr).toBe(`Fetching Node ${newest}.0.0 and pnpm ${newest}.1.0 (once) …\n`)
    expect(log()).toMatch(/^npm ci --ignore-scripts .*\npnpm install --frozen-lockfile /)
  })

  test('fetches only once', async () => {
    await run(['true'])
    const { stderr } = await run(['true'])
    expect(stderr).toBe('')
    expect(log().match(/^npm /gm)).toHaveLength(1)
  })

  test('fetches nothing where the machine has both', async () => {
    write('package.json', { engines: { node: '>=20' }, packageManager: `pnpm@${newest}.1.0` })
    const { code } = await run(['true'], { PATH: `${root}:${join(root, 'npm')}:/usr/bin:/bin` })
    expect(code).toBe(0)
    expect(log()).toMatch(/^pnpm install/)
  })

  test('ends with the exit code of the command', async () => {
    expect(await run(['sh', '-c', 'exit 7'])).toMatchObject({ code: 7, signal: null })
  })

  test('ends by the signal that ended the command', async () => {
    expect(await run(['sh', '-c', 'kill -KILL $$'])).toMatchObject({ code: null, signal: 'SIGKILL' })
  })

  test('hands npm settings of the network to pnpm, which reads its own names only', async () => {
    await run(['true'], { npm_config_registry: 'http://127.0.0.1:9/' })
    expect(log()).toMatch(/^pnpm .* http:\/\/127\.0\.0\.1:9\/$/m)
  })

  test('installs nothing where it is told so, so that an outdated lock can be renewed', async () => {
    const { code } = await run(['--no-install', 'true'], { FAIL_PNPM: 'fail ERR_PNPM_OUTDATED_LOCKFILE' })
    expect(code).toBe(0)
  })

  test('names the platform for which there is nothing to fetch', async () => {
    write('tooling/bootstrap/package.json', { optionalDependencies: {} })
    const { code, stdout, stderr } = await run(['true'])
    expect(code).toBe(1)
    expect(stdout).toBe('')
    expect(stderr).toContain(
      `no Node and pnpm to fetch for ${platform}: install Node >= ${newest} and pnpm ${newest} by hand`,
    )
  })

  test.each([
    ['FAIL_NPM', 'npm error code ECONNREFUSED', /^Fetching .* because the package registry cannot be reached: /],
    ['FAIL_NPM', 'npm error code EINTEGRITY', /^Fetching .* because the registry served something other /],
    ['FAIL_NPM', 'npm error nospc ENOSPC: no space left', /^Fetching .* because the disk is full: /],
    ['FAIL_NPM', 'npm error EACCES: denied', /^Fetching .* because a file or folder cannot be written\.$/],
    ['FAIL_NPM', 'npm error code EBADPLATFORM', /^Fetching .* because there is none for this system /],
    ['FAIL_NPM', 'npm error who knows', /^Fetching .* failed \(exit code 1\)\.$/],
    ['FAIL_PNPM', 'ERR_PNPM_OUTDATED_LOCKFILE', /^Installing dependencies .* pnpm-lock\.yaml does not match /],
    ['FAIL_PNPM', 'error sending request for url', /^Installing dependencies .* registry cannot be reached: /],
  ])('says in one sentence why it cannot go on (%s=%s)', async (variable, text, sentence) => {
    const { code, stdout, stderr } = await run(['echo', 'reached'], { [variable]: `fail ${text}` })
    const lines = stderr
      .trimEnd()
      .split('\n')
      .filter((line) => !line.endsWith('(once) …'))
    expect(code).toBe(1)
    expect(stdout).toBe('')
    expect(lines[0]).toMatch(sentence)
    expect(lines.slice(1)).toEqual([`  ${text}`])
  })

  test.each([
    [
      'a file that npm could not write in full',
      'echo "npm warn tar TAR_ENTRY_ERROR ENOSPC: no space left"',
      'the disk is full',
    ],
    ['a pnpm that does not run', 'exit 0', 'what was fetched does not run here'],
  ])('trusts nothing with %s, though npm reports success', async (_what, script, because) => {
    const { code, stderr } = await run(['true'], { DURING_NPM: script })
    expect(code).toBe(1)
    expect(stderr).toContain(`failed because ${because}`)
    expect(cached()).toEqual([])
  })

  test('goes no further without an optional dependency, though pnpm reports success', async () => {
    const warning = '[WARN] a@1 is an optional dependency that could not be fetched. Excluding it'
    const { code, stdout, stderr } = await run(['echo', 'reached'], { FAIL_PNPM: `echo ${warning}` })
    expect(code).toBe(1)
    expect(stdout).toBe('')
    expect(stderr).toContain('Installing dependencies failed (a package could not be fetched).')
  })

  test('trusts nothing that a killed run left behind', async () => {
    const killed = start(['true'], { DURING_NPM: 'sleep 30' })
    await expect.poll(log, patience).toContain('npm ci')
    killed.kill('SIGKILL')
    await ended(killed)
    expect(cached()).toEqual([expect.stringContaining('.building-')])
    expect(await run(['pnpm', '--version'])).toMatchObject({ code: 0, stdout: `${newest}.1.0\n` })
  })

  test('leaves nothing behind when it is stopped while it fetches', async () => {
    const stopped = start(['true'], { DURING_NPM: 'sleep 30' })
    await expect.poll(log, patience).toContain('npm ci')
    stopped.kill('SIGTERM')
    expect(await ended(stopped)).toMatchObject({ code: null, signal: 'SIGTERM' })
    expect(cached()).toEqual([])
  })

  test('works when two runs start at once', async () => {
    const both = await Promise.all([1, 2].map(() => run(['pnpm', '--version'], { DURING_NPM: 'sleep 0.3' })))
    expect(both).toMatchObject([
      { code: 0, stdout: `${newest}.1.0\n` },
      { code: 0, stdout: `${newest}.1.0\n` },
    ])
    expect(cached()).toHaveLength(1)
  })

  test.each(['SIGINT', 'SIGTERM'] as const)(
    'passes %s to the command once and ends as the command does',
    async (signal) => {
      const handler = `let count = 0
      process.on('${signal}', () => { count += 1; setTimeout(() => { console.log(count); process.exit(5) }, 200) })
      setInterval(() => {}, 1000)
      console.log('up')`
      const child = start(['node', '-e', handler])
      child.stdout?.once('data', () => {
        child.kill(signal)
        setTimeout(() => child.kill(signal), 50)
      })
      expect(await ended(child)).toMatchObject({ code: 5, stdout: 'up\n1\n' })
    },
  )

  test('builds first where it is told to, with all that is said of it on standard error', async () => {
    script('node_modules/.bin/turbo', 'echo "turbo $*"')
    const { code, stdout, stderr } = await run(['--build', 'the-package', 'echo', '--build', 'reached'])
    expect(code).toBe(0)
    expect(stdout).toBe('--build reached\n')
    expect(stderr).toContain('turbo run build --filter=the-package --output-logs=errors-only\n')
  })

  test('ends with the exit code of a build that fails, and goes no further', async () => {
    script('node_modules/.bin/turbo', 'exit 3')
    expect(await run(['--build', 'the-package', 'echo', 'reached'])).toMatchObject({ code: 3, stdout: '' })
  })

  test.each(['SIGINT', 'SIGTERM'] as const)(
    'goes no further after %s, though the build that it came in reports success',
    async (signal) => {
      script('node_modules/.bin/turbo', `trap 'exit 0' INT TERM; echo building; while :; do sleep 0.1; done`)
      const child = start(['--build', 'the-package', 'echo', 'reached'])
      child.stderr?.on('data', (text) => String(text).includes('building') && child.kill(signal))
      expect(await ended(child)).toMatchObject({ code: null, signal, stdout: '' })
    },
  )

  // The command holds the pipes open for as long as it lives.
  test('takes the command with it when it is killed', async () => {
    const child = start(['node', '-e', 'console.log("up"); setInterval(() => {}, 1000)'])
    child.stdout?.once('data', () => child.kill('SIGKILL'))
    expect(await ended(child)).toMatchObject({ signal: 'SIGKILL', stdout: 'up\n' })
  })

  test('ends when the shell that npm started it in is gone', async () => {
    const command = `console.log("up"); setInterval(() => {}, 1000)`
    const shell = spawn('sh', ['-c', `"${process.execPath}" tooling/bootstrap/run.mjs node -e '${command}'; true`], {
      cwd: root,
      env: { PATH: `${join(root, 'npm')}:/usr/bin:/bin`, LOG: join(root, 'log'), npm_lifecycle_event: 'test' },
    })
    shell.stdout.once('data', () => shell.kill('SIGKILL'))
    expect(await ended(shell)).toMatchObject({ signal: 'SIGKILL', stdout: 'up\n' })
  })
})
