import { keyKit } from '@queue-runtime/conformance'
import { describeCases } from '@queue-runtime/conformance/vitest'
import { subjects } from './subjects.ts'

for (const subject of subjects) describeCases(keyKit, subject, { concurrent: true })
