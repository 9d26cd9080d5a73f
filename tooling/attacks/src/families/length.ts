import type { Row } from '../attack.ts'
import { plant } from '../fates.ts'
import type { Ground } from '../ground.ts'

const lengths = Array.from({ length: 32 }, (_, index) => 992 + index)

const sealedLengths = async (ground: Ground, padding: 'none' | 'padme'): Promise<number[]> => {
  const sealed: number[] = []
  for (const length of lengths)
    sealed.push((await plant(ground, { body: new Uint8Array(length) }, { padding })).body.length)
  return sealed
}

/** What the length of a sealed body tells. */
export const lengthAttacks: readonly Row[] = [
  {
    number: 45,
    name: 'reads the length of a message',
    by: 'queue reader',
    expected: '32 lengths of plaintext; sealed without padding: 32 lengths; with padme: 1 length, at most 12 % more',
    catches: ['pads nothing'],
    async run(ground) {
      const bare = await sealedLengths(ground, 'none')
      const padded = await sealedLengths(ground, 'padme')
      const growth = Math.max(...padded.map((length, index) => length / (bare[index] ?? 0)))
      const most = growth <= 1.12 ? 'at most 12 % more' : `${Math.round((growth - 1) * 100)} % more`
      const count = (all: readonly number[]): number => new Set(all).size
      return {
        outcome: `${lengths.length} lengths of plaintext; sealed without padding: ${count(bare)} lengths; with padme: ${count(padded)} length, ${most}`,
      }
    },
  },
]
