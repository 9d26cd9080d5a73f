import type { Attack } from './attack.ts'
import { flipBit } from './flip-bit.ts'
import { holdBack } from './hold-back.ts'
import { injectPlaintext } from './inject-plaintext.ts'
import { moveQueue } from './move-queue.ts'
import { rePost } from './re-post.ts'
import { swapBodies } from './swap-bodies.ts'

/** Every attack of the demo, in the order it shows them. */
export const ATTACKS: readonly Attack[] = [flipBit, swapBodies, moveQueue, injectPlaintext, holdBack, rePost]
