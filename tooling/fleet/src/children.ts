import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { keyVariable, type Place, placeVariable } from './place.ts'

export type Program = 'broker' | 'sender' | 'attacker' | 'receiver'

/** A process of the fleet. */
export interface Child {
  /** What it said when it was ready. */
  readonly facts: { readonly endpoint?: string }
  /** Resolves when it has ended, by itself or by SIGKILL; rejects where it failed. */
  readonly finished: Promise<void>
  /** Tells it to finish what it has to do, and waits for that. */
  finish(): Promise<void>
  /** SIGKILL. */
  kill(): Promise<void>
}

/** The programs run as they were built, whoever reads this from its source. */
function fileOf(program: Program): string {
  const file = fileURLToPath(new URL(`../dist/${program}.js`, import.meta.url))
  if (!existsSync(file)) throw new Error(`There is no ${file}: run pnpm build first.`)
  return file
}

export interface StartOptions {
  readonly place: Place
  /** In base64. */
  readonly key: string
}

/** Starts a program and waits until it is ready. It ends when this process does, whose pipe it reads. */
export async function startChild(program: Program, { place, key }: StartOptions): Promise<Child> {
  const file = fileOf(program)
  const log = join(place.folder, `${place.name}.log`)
  const errors = openSync(log, 'a')
  const child = spawn(process.execPath, ['--enable-source-maps', file], {
    env: { ...process.env, [placeVariable]: JSON.stringify(place), [keyVariable]: key },
    stdio: ['pipe', 'pipe', errors],
  })
  closeSync(errors)
  const ended = once(child, 'exit')
  const failed = (): Error =>
    new Error(
      `${place.name} ended with ${child.signalCode ?? child.exitCode}:\n${readFileSync(log, 'utf8').slice(-2_000)}`,
    )
  const finished = ended.then(() => {
    if (child.exitCode !== 0 && child.signalCode !== 'SIGKILL') throw failed()
  })
  // Whoever waits for it hears of it.
  finished.catch(() => {})
  const facts = await Promise.race([firstLine(child), finished.then(() => Promise.reject(failed()))])
  return {
    facts: JSON.parse(facts),
    finished,
    async finish() {
      child.kill('SIGTERM')
      await finished
    },
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

function firstLine({ stdout }: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    stdout?.setEncoding('utf8').on('data', (part: string) => {
      text += part
      const end = text.indexOf('\n')
      if (end >= 0) resolve(text.slice(0, end))
    })
  })
}
