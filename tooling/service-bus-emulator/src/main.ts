#!/usr/bin/env node
import { runCli } from './cli.ts'

const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())

const { stdout, stderr } = process
process.exitCode = await runCli(process.argv.slice(2), { stdout, stderr, stop: stop.signal })
