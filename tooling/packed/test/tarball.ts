import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../../..', import.meta.url))

interface Manifest {
  readonly name: string
  readonly version: string
  readonly exports: Readonly<Record<string, unknown>>
  readonly [field: string]: unknown
}

/** A package as it would be published, and unpacked beside. */
export interface Tarball {
  readonly path: string
  readonly folder: string
  readonly manifest: Manifest
  readonly files: readonly string[]
}

/** Packs every package of the repository that is published. */
export function packOurs(folder: string): Tarball[] {
  return readdirSync(join(root, 'packages')).map((name) => {
    const path = join(root, 'packages', name)
    if (!existsSync(join(path, 'dist'))) throw new Error(`packages/${name} is not built: run \`pnpm build\` first.`)
    const { filename } = JSON.parse(run('pnpm', ['pack', '--json', '--pack-destination', folder], path))
    return unpack(filename)
  })
}

/** Packs a package out of node_modules, so that it can be installed again without a network. */
export function packInstalled(path: string, folder: string): Tarball {
  const [{ filename }] = JSON.parse(run('npm', ['pack', path, '--json', '--ignore-scripts'], folder))
  return unpack(join(folder, filename))
}

function unpack(path: string): Tarball {
  const into = path.replace(/\.tgz$/, '')
  mkdirSync(into)
  run('tar', ['-xzf', path], into)
  const folder = join(into, 'package')
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return {
    path,
    folder,
    manifest: JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')),
    files: files.map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1)),
  }
}

function run(command: string, args: readonly string[], cwd: string): string {
  return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
}
