import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'

/**
 * What the repository asks for: the lowest Node and the major of pnpm.
 *
 * @param {string} root
 */
export function wantedTools(root) {
  const { engines, packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  return { node: engines.node.replace('>=', '').trim(), pnpmMajor: /^pnpm@(\d+)\./.exec(packageManager)?.[1] ?? '' }
}

/**
 * Whether the Node that runs this is new enough.
 *
 * @param {string} lowest as in `24` or `24.3.0`
 */
export function ownNodeFits(lowest) {
  const have = process.versions.node.split('.').map(Number)
  for (const [index, part] of lowest.split('.').map(Number).entries()) {
    const difference = (have[index] ?? 0) - part
    if (difference !== 0) return difference > 0
  }
  return true
}

/** The folder of the Node that runs this. */
export const ownNodeFolder = () => dirname(process.execPath)

/**
 * Whether a pnpm of that major is on the path.
 *
 * @param {string} major
 * @param {NodeJS.ProcessEnv} env
 */
export function ownPnpmFits(major, env) {
  // Outside of the repository, and offline for corepack, because there a pnpm of another version would fetch the pinned one first.
  const { stdout } = spawnSync('pnpm', ['--version'], {
    cwd: tmpdir(),
    env: { ...env, COREPACK_ENABLE_NETWORK: '0' },
    encoding: 'utf8',
    timeout: 10_000,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  return stdout?.trim().split('.')[0] === major
}

/**
 * The environment with these folders first on the path.
 *
 * @param {NodeJS.ProcessEnv} env
 * @param {string[]} folders
 */
export function withPath(env, folders) {
  return { ...env, PATH: [...folders, env.PATH ?? ''].join(delimiter) }
}

const networkSettings = ['registry', 'cafile', 'ca', 'proxy', 'https_proxy', 'noproxy', 'strict_ssl']

/**
 * npm hands its settings to scripts as npm_config_*; pnpm reads only pnpm_config_*, and a machine set up for npm alone has none.
 *
 * @param {NodeJS.ProcessEnv} env
 */
export function withNpmSettingsForPnpm(env) {
  const settings = networkSettings
    .map((name) => [`pnpm_config_${name}`, env[`npm_config_${name}`]])
    .filter(([, value]) => value !== undefined)
  return { ...Object.fromEntries(settings), ...env }
}
