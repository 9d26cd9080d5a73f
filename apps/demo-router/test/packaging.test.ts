import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Copy, DockerfileParser } from 'dockerfile-ast'
import { describe, expect, it } from 'vitest'
import { KEY_IDS } from '../src/backends/key-providers.ts'
import { VARIABLES } from '../src/config/variables.ts'
import { QUEUES } from '../src/github/routes.ts'
import { readSettings } from '../src/process/settings.ts'
import { readCompose } from './compose-file.ts'

const APP = fileURLToPath(new URL('..', import.meta.url))
const ROOT = resolve(APP, '../..')
const read = (path: string): string => readFileSync(join(APP, path), 'utf8')

const dockerfile = DockerfileParser.parse(read('Dockerfile'))
const instructions = dockerfile.getInstructions()
const stages = dockerfile.getFROMs().map((from) => from.getBuildStage())
const compose = readCompose()
const ours = Object.entries(compose.services).filter(([, { image }]) => image === 'demo-router')

/** Of the instructions of one stage, the arguments of those of one kind. */
const inStage = (stage: string, keyword: string): string[] => {
  let current: string | null = null
  return instructions.flatMap((instruction) => {
    if (instruction.getInstruction() === 'FROM')
      current =
        dockerfile
          .getFROMs()
          .find((from) => from.getRange()?.start.line === instruction.getRange().start.line)
          ?.getBuildStage() ?? null
    return current === stage && instruction.getInstruction() === keyword
      ? [instruction.getArgumentsContent() ?? '']
      : []
  })
}

describe('the image, which no engine was at hand to build', () => {
  it('is built by the pnpm that the repository pins', () => {
    const { packageManager } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      packageManager: string
    }
    expect(inStage('build', 'RUN')).toContain(`npm install --global ${packageManager}`)
  })

  it('is made of what is there and what the ignore file lets through', () => {
    const allowed = read('Dockerfile.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1))
    const copied = dockerfile.getCOPYs().filter((copy: Copy) => copy.getFromFlag() === null)
    const sources = copied.flatMap((copy) =>
      copy
        .getArguments()
        .slice(0, -1)
        .map((argument) => argument.getValue()),
    )
    expect(sources.length).toBeGreaterThan(5)
    for (const source of sources) {
      expect([source, existsSync(join(ROOT, source))]).toEqual([source, true])
      expect(allowed).toContain(source)
    }
    for (const name of allowed) expect(existsSync(join(ROOT, name))).toBe(true)
  })

  it('takes from its own stages alone', () => {
    expect(stages).toEqual(['build', 'broker', 'app'])
    for (const copy of dockerfile.getCOPYs()) {
      const from = copy.getFromFlag()?.getValue()
      if (from !== undefined) expect(stages).toContain(from)
    }
  })

  it('runs as nobody of importance, and starts what is there', () => {
    for (const stage of ['broker', 'app']) expect(inStage(stage, 'USER').at(-1)).toBe('node')
    expect(inStage('app', 'ENTRYPOINT')).toEqual(['["node", "/app/dist/main.js"]'])
    expect(existsSync(join(APP, 'src/main.ts'))).toBe(true)
    expect(inStage('broker', 'ENTRYPOINT')).toEqual(['["node", "/repo/tooling/service-bus-emulator/dist/main.js"]'])
    expect(existsSync(join(ROOT, 'tooling/service-bus-emulator/src/main.ts'))).toBe(true)
    const folders = Object.values(KEY_IDS).map((name) => `/keys/${name}`)
    for (const folder of folders) expect(inStage('app', 'RUN').join()).toContain(folder)
    for (const port of ['PORT', 'OPS_PORT'] as const) {
      expect(inStage('app', 'EXPOSE').join()).toContain(VARIABLES[port].default)
    }
  })

  it('sets no variable that the program does not know', () => {
    for (const [name] of dockerfile.getENVs().flatMap((env) => env.getProperties().map((one) => [one.getName()]))) {
      expect(['CI', 'NODE_ENV', ...Object.keys(VARIABLES)]).toContain(name)
    }
  })
})

describe('compose.yaml', () => {
  it('builds from stages that are there', () => {
    for (const { build } of Object.values(compose.services)) {
      if (build === undefined) continue
      expect(resolve(APP, build.context)).toBe(ROOT)
      expect(join(ROOT, build.dockerfile)).toBe(join(APP, 'Dockerfile'))
      expect(stages).toContain(build.target)
    }
  })

  it('sets variables that the program knows, to what it takes', () => {
    for (const [, { environment = {} }] of ours) {
      for (const name of Object.keys(environment)) expect(Object.keys(VARIABLES)).toContain(name)
    }
    for (const name of ['router', ...QUEUES]) {
      const { environment = {} } = compose.services[name] ?? {}
      expect(() => readSettings(environment)).not.toThrow()
      expect(environment.QUEUE_PROVIDER).toBe('azure')
    }
  })

  it('has a router, each bot, and the key of its own queue alone for each (SC2)', () => {
    const keysOf = (service: string) =>
      compose.services[service]?.volumes?.filter((volume) => volume.includes('/keys/'))
    for (const queue of QUEUES) {
      expect(compose.services[queue]?.command).toEqual(['bot', queue])
      expect(keysOf(queue)).toEqual([`${KEY_IDS[queue]}:/keys/${KEY_IDS[queue]}:ro`])
    }
    expect(keysOf('router')).toEqual(Object.values(KEY_IDS).map((name) => `${name}:/keys/${name}:ro`))
  })

  it('gives them nothing that they need not have', () => {
    for (const [name, service] of ours) {
      expect([name, service.read_only, service.cap_drop]).toEqual([name, true, ['ALL']])
      expect(service.network_mode).toBe('service:broker')
      const seconds = Number.parseInt(service.stop_grace_period ?? '', 10)
      expect(seconds).toBeGreaterThan(Number(VARIABLES.SHUTDOWN_SECONDS.default))
    }
    const published = Object.values(compose.services).flatMap(({ ports = [] }) => ports)
    expect(published).toEqual(['127.0.0.1:8080:8080'])
    const opsPorts = ours.flatMap(([, { environment }]) => environment?.OPS_PORT ?? [])
    expect(new Set(opsPorts).size).toBe(4)
  })
})

/** What a file imports when it runs: types are gone by then. */
const importsOf = (file: string): string[] => {
  const text = readFileSync(file, 'utf8').replaceAll(/^(import|export) type [^;]*? from '[^']+'$/gms, '')
  return [...text.matchAll(/(?:\bfrom|\bimport\(|^import) ?'([^']+)'/gm)].map(([, name]) => name ?? '')
}

/** Every file of `src` that a file loads, now or later, and every package. */
const closure = (entry: string): { readonly files: Set<string>; readonly packages: Set<string> } => {
  const files = new Set<string>()
  const packages = new Set<string>()
  const visit = (file: string): void => {
    if (files.has(file)) return
    files.add(file)
    for (const name of importsOf(file)) {
      if (name.startsWith('.')) visit(resolve(dirname(file), name))
      else if (!name.startsWith('node:'))
        packages.add(
          name
            .split('/')
            .slice(0, name.startsWith('@') ? 2 : 1)
            .join('/'),
        )
    }
  }
  visit(join(APP, entry))
  return { files, packages }
}

describe('what a process in production loads', () => {
  const { dependencies, devDependencies } = JSON.parse(read('package.json')) as Record<string, Record<string, string>>

  it('is what is installed there, and nothing of the demo, the lab or the local servers', () => {
    const { files, packages } = closure('src/process/command.ts')
    expect(files.size).toBeGreaterThan(20)
    expect([...packages].filter((name) => dependencies?.[name] === undefined)).toEqual([])
    const folders = new Set([...files].map((file) => relative(join(APP, 'src'), file).split('/')[0]))
    for (const folder of ['demo', 'lab', 'local', 'attacks', 'dashboard', 'view', 'broker'])
      expect(folders).not.toContain(folder)
  })

  it('is less than what the demo loads: the local servers are for this repository', () => {
    const { packages } = closure('src/demo/demo.ts')
    const tooling = readdirSync(join(ROOT, 'tooling')).map((name) => `@queue-runtime/${name}`)
    const local = [...packages].filter((name) => tooling.includes(name))
    expect(local.length).toBeGreaterThan(4)
    for (const name of local) expect(devDependencies?.[name]).toBeDefined()
  })
})

describe('the README', () => {
  // The table of variables begins with this line.
  const [, table = ''] = read('README.md').split('| Variable | Default | |')
  const rows = table.matchAll(/^\| (`[A-Z][A-Z_]{3,}`(?:, `[A-Z_]+`)*) \|/gm)
  const named = [...rows].flatMap(([, cell]) => cell?.replaceAll('`', '').split(', ') ?? [])

  it('names every variable, and no other', () => {
    expect(named.toSorted()).toEqual(Object.keys(VARIABLES).sort())
  })

  it('says each default as it is', () => {
    for (const [name, { default: value }] of Object.entries(VARIABLES)) {
      if (value === undefined) continue
      const row = table.split('\n').find((line) => line.split('|')[1]?.includes(`\`${name}\``)) ?? ''
      expect([name, row.includes(`\`${value}\``)]).toEqual([name, true])
    }
  })
})
