export type KindName = 'redis' | 'chromium' | 'promtool'

/** One program of a kind: the names it goes by on a machine, and where it lies in what was unpacked. */
interface Program {
  readonly names: readonly [string, ...string[]]
  readonly unpacked: string
}

/** What belongs together: found together, or fetched together. */
export interface Kind {
  readonly title: string
  /** Names the first program by its path, or is `none` where tests shall do without. */
  readonly variable: string
  /** Debian packages; the first one's version names the folder. */
  readonly packages: readonly [string, ...string[]]
  /** Whether the libraries that they depend on are fetched as well; a program that is linked statically needs none. */
  readonly withLibraries: boolean
  readonly programs: readonly [Program, ...Program[]]
  /** The lowest major version that will do; without it each version does. */
  readonly lowest?: number
}

export const kinds: Readonly<Record<KindName, Kind>> = {
  redis: {
    title: 'Redis',
    variable: 'QUEUE_RUNTIME_REDIS_SERVER',
    packages: ['redis-server', 'redis-tools'],
    withLibraries: true,
    lowest: 7,
    programs: [
      { names: ['redis-server'], unpacked: 'usr/bin/redis-server' },
      { names: ['redis-cli'], unpacked: 'usr/bin/redis-cli' },
      { names: ['redis-benchmark'], unpacked: 'usr/bin/redis-benchmark' },
    ],
  },
  chromium: {
    title: 'Chromium',
    variable: 'QUEUE_RUNTIME_CHROMIUM',
    packages: ['chromium', 'chromium-common'],
    withLibraries: true,
    programs: [
      {
        names: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'],
        // Debian's /usr/bin/chromium is a script that only knows the place where it is installed.
        unpacked: 'usr/lib/chromium/chromium',
      },
    ],
  },
  promtool: {
    title: 'promtool',
    variable: 'QUEUE_RUNTIME_PROMTOOL',
    packages: ['prometheus'],
    withLibraries: false,
    programs: [{ names: ['promtool'], unpacked: 'usr/bin/promtool' }],
  },
}

export const kindNames: readonly KindName[] = ['redis', 'chromium', 'promtool']
