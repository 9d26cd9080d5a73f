import { onTestFinished } from 'vitest'
import { runCli } from '../src/cli.ts'
import { type DemoOptions, openDemo } from '../src/demo/demo.ts'
import type { Result } from '../src/demo/result.ts'

/** Plays the scenario with what a test puts in; the demo is closed with the test. */
export const play = async (options: Partial<DemoOptions> = {}) => {
  const warnings: string[] = []
  const demo = await openDemo({ port: 0, warn: (line) => warnings.push(line), ...options })
  onTestFinished(() => demo.close())
  const result = await demo.run()
  return { demo, result, warnings }
}

/** A stream that keeps what is written. */
export const recordingStream = (isTTY = false) => {
  const texts: string[] = []
  return { isTTY, write: (text: string) => texts.push(text), text: () => texts.join('') }
}

const never = new Promise<void>(() => {})

/** Starts the whole command line in this process, with what a test puts into the demo. */
export const start = (args: readonly string[], options: Partial<DemoOptions> = {}, stopped = never) => {
  const stdout = recordingStream()
  const stderr = recordingStream()
  const open = (given: DemoOptions) => openDemo({ ...given, ...options })
  return { stdout, stderr, exitCode: runCli(args, { stdout, stderr, stopped, openDemo: open }) }
}

/** The same, to its end. */
export const runWith = async (args: readonly string[], options: Partial<DemoOptions> = {}, stopped = never) => {
  const { exitCode, stdout, stderr } = start(args, options, stopped)
  return { exitCode: await exitCode, stdout: stdout.text(), stderr: stderr.text() }
}

/** `--once --json` with something broken put in. */
export const runBroken = async (options: Partial<DemoOptions>) => {
  const { exitCode, stdout, stderr } = await runWith(['--once', '--json'], options)
  return { exitCode, stderr, result: JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Result }
}
