import { nonceKit } from '@queue-runtime/conformance'
import { describeCases } from '@queue-runtime/conformance/vitest'
import { oneServer } from './subjects.ts'

describeCases(nonceKit, oneServer, { concurrent: 8, timeoutMs: 60_000 })
