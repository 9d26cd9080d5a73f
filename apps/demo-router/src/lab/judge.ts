import { isQueueError } from '@queue-runtime/core'
import type { Attack, Seen } from '../attacks/attack.ts'
import type { Letters } from '../broker/letters.ts'
import type { AttackResult } from '../dashboard/events.ts'
import { codesOf, type Fate, refusalsOf } from './watching.ts'

export interface Evidence {
  readonly attack: Attack
  /** One for each attacked copy. */
  readonly fates: readonly Fate[]
  readonly seen: Seen
  readonly isOneAllowed: boolean
  /** Whether the messages that nobody touched were all handled. */
  readonly areOthersDone: boolean
  readonly letters: Letters
  readonly timeoutMs: number
}

type Verdict = Pick<AttackResult, 'outcome' | 'happened'>

const wasRead = ({ reads }: Fate): boolean => reads.length > 0
/** Completed without having been handed to a bot, as only a duplicate of what was handled may be. */
const wasRemoved = (fate: Fate): boolean =>
  !wasRead(fate) && fate.isCompleted && isQueueError(fate.rejections.at(-1)?.error, 'NonceReused')

/** What is wrong, in the order in which it is looked for. */
const failureOf = (evidence: Evidence): string | undefined => {
  const { attack, fates, seen, isOneAllowed, areOthersDone, letters, timeoutMs } = evidence
  const isLimit = attack.limit !== undefined
  const reads = fates.filter(wasRead).length
  const within = `within ${timeoutMs / 1_000} s`
  const isLost = (fate: Fate): boolean =>
    !wasRead(fate) && !wasRemoved(fate) && letters.reasonOf(fate.copy) === undefined
  if (fates.length === 0) return 'The attacker left nothing behind.'
  if (!isLimit && reads > (isOneAllowed ? 1 : 0)) return 'The attack passed: a bot read it.'
  if (isOneAllowed && reads === 0) return `No bot read any of the copies ${within}.`
  if (fates.some(isLost)) return `It was neither read nor refused for good ${within}.`
  if (attack.isBroken?.(seen)) return 'It did more than it may.'
  if (!areOthersDone) return `Messages that nobody touched were not handled ${within}.`
  return undefined
}

const verdictOf = (evidence: Evidence): Verdict => {
  const { attack, fates, isOneAllowed, letters } = evidence
  const failure = failureOf(evidence)
  if (failure !== undefined) return { outcome: 'failed', happened: failure }
  const it = fates.length === 1 ? 'it' : `all ${fates.length}`
  if (attack.limit !== undefined && fates.some(wasRead)) {
    return { outcome: 'accepted', happened: `The bot read ${it}. ${attack.limit}` }
  }
  const refusals = refusalsOf(fates)
  if (fates.some(wasRemoved)) {
    const once = isOneAllowed ? 'One of them was handled; the client refused the other' : `The client refused ${it}`
    return { outcome: 'settled', happened: `${once} with ${refusals} and removed it: it was handled before.` }
  }
  const reasons = [...new Set(fates.map(({ copy }) => letters.reasonOf(copy)))].join(', ')
  const lies = fates.length === 1 ? 'it lies' : 'they lie'
  return {
    outcome: 'refused',
    happened: `The client refused ${it} with ${refusals}; ${lies} in the dead-letter queue, reason ${reasons}. No bot read ${fates.length === 1 ? 'it' : 'any'}.`,
  }
}

/** Tells what an attack came to, from what was seen alone. */
export function judge(evidence: Evidence): AttackResult {
  const { attack, fates, seen, letters } = evidence
  const { outcome, happened } = verdictOf(evidence)
  const letter = fates.find(({ copy }) => letters.reasonOf(copy) !== undefined)?.copy
  return {
    name: attack.name,
    at: Date.now(),
    tried: `The attacker ${attack.description}.`,
    happened: [happened, attack.remark?.(seen) ?? ''].filter((sentence) => sentence !== '').join(' '),
    outcome,
    codes: codesOf(fates),
    messages: fates.map(({ copy }) => copy.key),
    deadLetter: letter
      ? { queue: letter.queue, reason: letters.reasonOf(letter) ?? '', messageId: letter.messageId }
      : null,
  }
}
