import { existsSync, readdirSync, writeFileSync } from 'node:fs'
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

/** By its place, since a folder is filled under another name. A machine without fonts has no configuration of them either. */
const fontConfig = `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
  <dir prefix="relative">root/usr/share/fonts</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir prefix="xdg">fontconfig</cachedir>
</fontconfig>
`

const fontConfigFile = (folder: string): string => join(folder, 'fonts.conf')

/** Writes what fonts that were unpacked below `<folder>/root` need to be found. */
export function configureFonts(folder: string): void {
  if (existsSync(join(folder, 'root/usr/share/fonts'))) writeFileSync(fontConfigFile(folder), fontConfig)
}

/** An environment in which programs below `<folder>/root` find their libraries and fonts there. */
export function environmentOf(folder: string, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const libraries = libraryFolders(join(folder, 'root'))
  const before = env.LD_LIBRARY_PATH
  return {
    ...env,
    ...(libraries.length > 0 && { LD_LIBRARY_PATH: [...libraries, ...(before ? [before] : [])].join(delimiter) }),
    ...(existsSync(fontConfigFile(folder)) && { FONTCONFIG_FILE: fontConfigFile(folder) }),
  }
}
