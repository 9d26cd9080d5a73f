import { append } from './append.ts'
import type { Attack } from './attack.ts'
import { changeCorrelation } from './change-correlation.ts'
import { copyWithSharedKey } from './copy-shared-key.ts'
import { editAttribute } from './edit-attribute.ts'
import { flipBit } from './flip-bit.ts'
import { floodKeyIds } from './flood-key-ids.ts'
import { forge } from './forge.ts'
import { holdBack } from './hold-back.ts'
import { injectPlaintext } from './inject-plaintext.ts'
import { keyIdPath } from './key-id-path.ts'
import { lookFresh } from './look-fresh.ts'
import { lookOld } from './look-old.ts'
import { moveQueue } from './move-queue.ts'
import { moveSession } from './move-session.ts'
import { otherVersion } from './other-version.ts'
import { rePost } from './re-post.ts'
import { redirectKey } from './redirect-key.ts'
import { reorder } from './reorder.ts'
import { replay } from './replay.ts'
import { replayUntracked } from './replay-untracked.ts'
import { swapBodies } from './swap-bodies.ts'
import { truncate } from './truncate.ts'
import { twoAtOnce } from './two-at-once.ts'

/** The attacks of the scenario, in the order it plays them: each is over in a moment. */
export const ATTACKS: readonly Attack[] = [flipBit, swapBodies, moveQueue, injectPlaintext, holdBack, rePost]

/** The attacks of protocol.md 9 that somebody with full access to the broker can do, in its order; then what is not prevented. */
export const LAB_ATTACKS: readonly Attack[] = [
  ...[flipBit, truncate, append, forge, swapBodies, rePost, moveSession, changeCorrelation],
  ...[lookFresh, lookOld, holdBack, replay, twoAtOnce, injectPlaintext, otherVersion],
  ...[floodKeyIds, keyIdPath, redirectKey, moveQueue],
  ...[replayUntracked, copyWithSharedKey, editAttribute, reorder],
]
