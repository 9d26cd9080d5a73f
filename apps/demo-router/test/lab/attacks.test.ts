import { describe, expect, it } from 'vitest'
import { LAB_ATTACKS } from '../../src/attacks/all.ts'
import { openLab } from './lab-helpers.ts'

describe('each attack of the lab', { timeout: 60_000 }, () => {
  it('works', async () => {
    const { lab, warnings } = await openLab()
    for (const { name, limit } of LAB_ATTACKS) {
      const result = await lab.attack(name)
      expect(result).toMatchObject({
        name,
        outcome: limit === undefined ? expect.stringMatching(/refused|settled/) : 'accepted',
      })
    }
    expect(warnings).toEqual([])
  })
})
