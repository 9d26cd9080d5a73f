import type { Attack } from './attack.ts'

const ATTRIBUTE = 'priority'

/** protocol.md 9, attack 37. The event's name is on the list, and an edit of it is refused. */
export const editAttribute: Attack = {
  name: 'edit-attribute',
  number: 37,
  title: 'Add an attribute that is not listed',
  description: `adds the attribute ${ATTRIBUTE} to a message, which the tag does not cover`,
  limit: 'Only the attributes that the sender lists are authenticated; the others are the broker’s word.',
  async tamper({ loot: [victim], edit }) {
    return { attacked: [await edit(victim, { attributes: { ...victim.attributes, [ATTRIBUTE]: 'urgent' } })] }
  },
  isBroken: ({ reads }) => reads.some(({ provenAttributes }) => provenAttributes.includes(ATTRIBUTE)),
  remark: ({ reads: [read] }) =>
    read === undefined
      ? ''
      : `It was shown as unproven: the seal of the message lists ${read.provenAttributes.join(', ') || 'no attribute'} alone.`,
}
