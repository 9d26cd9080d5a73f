import { existsSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Where Debian keeps libraries, below the root of what was unpacked. */
const libraryRoots = ['lib', 'usr/lib']

/** Every folder with shared libraries below a root: some of them are private to a package, which knows only their installed place. */
function libraryFolders(root: string): string[] {
  return libraryRoots
    .map((folder) => join(root, folder))
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => [folder, ...foldersBelow(folder)])
    .filter((folder) => readdirSync(folder).some((name) => /\.so(\.|$)/.test(name)))
}

function foldersBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => [join(folder, name), ...foldersBelow(join(folder, name))])
}

/** An environment in which programs below a root find their libraries there. */
export function withLibrariesOf(root: string, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const folders = libraryFolders(root)
  if (folders.length === 0) return env
  const before = env.LD_LIBRARY_PATH
  return { ...env, LD_LIBRARY_PATH: [...folders, ...(before ? [before] : [])].join(delimiter) }
}
