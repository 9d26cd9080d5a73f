import type { Row } from './attack.ts'
import { bindingAttacks } from './families/binding.ts'
import { contextAttacks } from './families/context.ts'
import { envelopeAttacks } from './families/envelope.ts'
import { injectivityAttacks } from './families/injectivity.ts'
import { keyAttacks } from './families/keys.ts'
import { leakAttacks } from './families/leaks.ts'
import { lengthAttacks } from './families/length.ts'
import { oracleAttacks } from './families/oracle.ts'
import { poisonAttacks } from './families/poison.ts'
import { policyAttacks } from './families/policy.ts'
import { recoveryAttacks } from './families/recovery.ts'
import { replayAttacks } from './families/replay.ts'
import { timeAttacks } from './families/time.ts'

/** Every attack of protocol.md 9, in its order. */
export const ATTACKS: readonly Row[] = [
  ...envelopeAttacks,
  ...contextAttacks,
  ...injectivityAttacks,
  ...timeAttacks,
  ...replayAttacks,
  ...recoveryAttacks,
  ...policyAttacks,
  ...keyAttacks,
  ...bindingAttacks,
  ...poisonAttacks,
  ...leakAttacks,
  ...oracleAttacks,
  ...lengthAttacks,
].sort((a, b) => a.number - b.number)
