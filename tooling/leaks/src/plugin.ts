/// <reference types="vitest/config" />
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Plugin } from 'vite'
import { withListener } from './calls.ts'

const SETUP = fileURLToPath(new URL('setup.ts', import.meta.url))

/** The sources that log, measure and throw. The reporter of `verify` runs beside the tests, where nobody listens. */
const SOURCES = /^(packages|apps|tooling(?!\/(leaks|verify)\/))\/[^/]+\/src\/.+\.ts$/

/** Has every test file of a vitest run watched for keys: a test in which one gets out fails. */
export function leakWatch(): Plugin {
  let root = ''
  return {
    name: 'leak-watch',
    enforce: 'pre',
    config: () => ({ test: { setupFiles: [SETUP] } }),
    configResolved(config) {
      root = config.root
    },
    transform(code, id) {
      const file = relative(root, id)
      return SOURCES.test(file) ? { code: withListener(code, file), map: null } : undefined
    },
  }
}
