import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

/** Tests run against the sources, so that a change shows without a build; the packed packages are tested in tooling/packed. */
const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

export default defineConfig({
  resolve: {
    alias: [
      { find: /^@queue-runtime\/core\/(provider|testing)$/, replacement: source('packages/core/src/$1.ts') },
      { find: /^@queue-runtime\/(core|crypto|provider-memory)$/, replacement: source('packages/$1/src/index.ts') },
    ],
  },
  test: {
    // A busy machine is no failure; a test that hangs still ends.
    testTimeout: 60_000,
    include: ['{packages,apps,tooling}/*/test/**/*.test.ts'],
  },
})
