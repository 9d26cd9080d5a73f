import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Ended, run } from './child.ts'
import { couldNotFetch } from './failure.ts'
import type { Kind } from './kinds.ts'

/** One Debian package in the version that apt would install. */
interface Package {
  readonly name: string
  readonly version: string
}

interface Apt {
  run(args: readonly string[], cwd?: string): Promise<Ended>
}

/**
 * apt with folders of its own, so that it runs without root and takes no lock of the machine's. Hooks that the machine's own apt runs
 * after an update are not for ours.
 */
function aptIn(folder: string, { ownLists, env }: { ownLists: boolean; env: NodeJS.ProcessEnv }): Apt {
  const config = join(folder, 'apt.conf')
  mkdirSync(join(folder, 'archives/partial'), { recursive: true })
  mkdirSync(join(folder, 'state/lists/partial'), { recursive: true })
  const lines = [
    `Dir::Cache "${folder}";`,
    'Dir::Cache::archives "archives/";',
    ...(ownLists ? [`Dir::State "${join(folder, 'state')}";`] : []),
    'APT::Sandbox::User "root";',
    'Acquire::Retries "2";',
    'Acquire::http::Timeout "15";',
    'Acquire::https::Timeout "15";',
    '#clear APT::Update::Post-Invoke;',
    '#clear APT::Update::Post-Invoke-Success;',
  ]
  writeFileSync(config, `${lines.join('\n')}\n`)
  return {
    run: (args, cwd) => run('apt-get', ['-c', config, ...args], { ...env, LC_ALL: 'C' }, cwd),
  }
}

/** `'uri' name_version_arch.deb size hash`, with the colon of an epoch as %3a. */
const uriLine = /^'[^']*' ([^_ ]+)_([^_ ]+)_[^_ ]+\.deb /

function packagesIn(uris: string): Package[] {
  return uris.split('\n').flatMap((line) => {
    const [, name, version] = uriLine.exec(line) ?? []
    return name === undefined || version === undefined ? [] : [{ name, version: decodeURIComponent(version) }]
  })
}

const resolveArgs = ['install', '--yes', '--reinstall', '--print-uris', '--no-install-recommends']

/** What of the kind's packages, and of what they depend on, is not on the machine; always the kind's own. */
async function resolve(apt: Apt, { packages, withLibraries }: Kind): Promise<Package[] | Ended> {
  const ended = await apt.run([...resolveArgs, ...packages])
  const found = packagesIn(ended.stdout).filter(({ name }) => withLibraries || packages.includes(name))
  return packages.every((name) => found.some((one) => one.name === name)) ? found : ended
}

async function download(apt: Apt, packages: readonly Package[], folder: string): Promise<Ended> {
  return await apt.run(['download', ...packages.map(({ name, version }) => `${name}=${version}`)], folder)
}

/**
 * Unpacks a kind's packages into `<folder>/root`, with what the machine's package lists know, else with lists of its own.
 *
 * @returns the version of the kind's first package
 * @throws ToolMissing
 */
export async function fetchPackages(kind: Kind, folder: string, env: NodeJS.ProcessEnv): Promise<string> {
  const [main] = kind.packages
  const own = join(folder, 'apt')
  const archives = join(own, 'archives')
  let reason = ''
  for (const ownLists of [false, true]) {
    const apt = aptIn(own, { ownLists, env })
    const updated = ownLists ? await apt.run(['update']) : undefined
    const resolved = await resolve(apt, kind)
    if (!Array.isArray(resolved)) {
      reason = `${updated?.output ?? ''}\n${resolved.output}`
      continue
    }
    const ended = await download(apt, resolved, archives)
    reason = ended.output
    if (!ended.ok) continue
    await unpack(kind, archives, join(folder, 'root'), env)
    rmSync(own, { recursive: true })
    return resolved.find(({ name }) => name === main)?.version ?? ''
  }
  throw couldNotFetch(kind, reason)
}

async function unpack(kind: Kind, archives: string, root: string, env: NodeJS.ProcessEnv): Promise<void> {
  for (const name of readdirSync(archives).filter((name) => name.endsWith('.deb'))) {
    const { ok, output } = await run('dpkg-deb', ['--extract', join(archives, name), root], env)
    if (!ok) throw couldNotFetch(kind, output)
  }
}
