import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Where } from '../src/locate.ts'

/**
 * A machine whose only programs are a shell's, and whose apt-get and dpkg-deb pretend: what they are asked for, they have. Shell code in
 * IN_UPDATE, IN_RESOLVE and IN_DOWNLOAD runs first in the step of that name.
 */
const aptGet = (log: string): string => `
echo "$*" >> "${log}"
fail() { echo "E: $*" >&2; exit 100; }
[ "$1" = --version ] && exit
shift 2
case "$1" in
  update) eval "$IN_UPDATE"; : > "${log}.updated" ;;
  install) eval "$IN_RESOLVE"
    echo "Reading package lists..."
    echo "'http://mirror/r/redis-server_7.0.15-1%7edeb12_amd64.deb' redis-server_5%3a7.0.15-1~deb12_amd64.deb 73908 SHA256:1"
    echo "'http://mirror/r/redis-tools_7.0.15-1%7edeb12_amd64.deb' redis-tools_5%3a7.0.15-1~deb12_amd64.deb 991988 "
    echo "'http://mirror/l/liblzf1_3.6-3_amd64.deb' liblzf1_3.6-3_amd64.deb 10192 MD5Sum:1" ;;
  download) shift
    for package in "$@"; do : > "\${package%%=*}_amd64.deb"; done
    eval "$IN_DOWNLOAD" ;;
esac
`

const dpkgDeb = `
mkdir -p "$3/usr/bin" "$3/usr/lib/triplet/private" "$3/usr/share/fonts"
case "$2" in
  *redis-server_*) files=redis-server ;;
  *redis-tools_*) files="redis-cli redis-benchmark" ;;
  *) : > "$3/usr/lib/triplet/libone.so.1"; : > "$3/usr/lib/triplet/private/libtwo.so" ;;
esac
for file in $files; do printf '#!/bin/sh\\n%s\\n' "$IN_PROGRAM" > "$3/usr/bin/$file"; chmod +x "$3/usr/bin/$file"; done
`

export interface StubMachine {
  readonly folder: string
  readonly cache: string
  /** What was said on the way. */
  readonly said: string[]
  /** What apt-get was asked, one line each. */
  asked(): string[]
  cached(): string[]
  where(env?: NodeJS.ProcessEnv): Where
  program(path: string, body?: string): string
  remove(): void
}

export function stubMachine({ hasApt = true } = {}): StubMachine {
  const folder = mkdtempSync(join(tmpdir(), 'system-tools-'))
  const [bin, cache, log] = [join(folder, 'bin'), join(folder, 'cache'), join(folder, 'log')]
  const said: string[] = []
  mkdirSync(bin)
  const program = (path: string, body = 'exit 0'): string => {
    const file = join(folder, path)
    mkdirSync(join(file, '..'), { recursive: true })
    writeFileSync(file, `#!/bin/sh\n${body}\n`)
    chmodSync(file, 0o755)
    return file
  }
  if (hasApt) {
    program('bin/apt-get', aptGet(log))
    program('bin/dpkg-deb', dpkgDeb)
  }
  // The stubs want a shell's programs; apt-get and Redis are not among them.
  for (const name of ['mkdir', 'chmod', 'sleep', 'cat']) program(`bin/${name}`, `exec /bin/${name} "$@"`)
  return {
    folder,
    cache,
    said,
    program,
    asked: () => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : []),
    cached: () => (existsSync(cache) ? readdirSync(cache) : []),
    where: (env = {}) => ({ env: { PATH: bin, ...env }, cache, usual: [], say: (line) => said.push(line) }),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
