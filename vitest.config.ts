import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { leakWatch } from './tooling/leaks/src/plugin.ts'

/** Tests run against the sources, so that a change shows without a build; the packed packages are tested in tooling/packed. */
const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

export default defineConfig({
  plugins: [leakWatch()],
  resolve: {
    alias: [
      {
        find: /^@queue-runtime\/(conformance|key-vault-emulator|local-server|redis-server|secrets-manager-emulator|service-bus-emulator|sqs-strict|system-tools)$/,
        replacement: source('tooling/$1/src/index.ts'),
      },
      { find: '@queue-runtime/conformance/vitest', replacement: source('tooling/conformance/src/vitest.ts') },
      { find: '@queue-runtime/crypto/provider', replacement: source('packages/crypto/src/provider.ts') },
      { find: /^@queue-runtime\/core\/(provider|testing)$/, replacement: source('packages/core/src/$1.ts') },
      {
        find: /^@queue-runtime\/(core|crypto|keys-aws|keys-azure|nonce-store-redis|provider-azure|provider-memory|provider-sqs)$/,
        replacement: source('packages/$1/src/index.ts'),
      },
      { find: /^@queue-runtime\/leaks$/, replacement: source('tooling/leaks/src/index.ts') },
    ],
  },
  test: {
    // A busy machine is no failure; a test that hangs still ends.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Most files wait for servers and processes more than they work.
    maxWorkers: Math.ceil(availableParallelism() * 1.5),
    // Cases against servers wait side by side: they need time more than the machine.
    maxConcurrency: 16,
    include: ['{packages,apps,tooling}/*/test/**/*.test.ts'],
  },
})
