import { kinds } from '../src/kinds.ts'
import { locate } from '../src/locate.ts'

// A process that fetches Redis where its argument says, for tests that kill it.
await locate(kinds.redis, { ...JSON.parse(process.argv[2] ?? '{}'), say: () => undefined })
