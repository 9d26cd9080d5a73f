import type { Mutant } from '../../src/attack.ts'
import type { Fault } from './change.ts'
import { cipherMutants } from './ciphers.ts'
import { clientMutants } from './clients.ts'
import { protectionMutants } from './protections.ts'
import { storeMutants } from './stores.ts'

/** Every broken library that a row names. */
export const MUTANTS: Readonly<Record<Mutant, Fault>> = {
  ...cipherMutants,
  ...protectionMutants,
  ...storeMutants,
  ...clientMutants,
}
