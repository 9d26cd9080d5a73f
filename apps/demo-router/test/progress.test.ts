import { describe, expect, it } from 'vitest'
import { createProgressPrinter } from '../src/progress.ts'
import { recordingStream } from './demo-helpers.ts'

const run = (isTTY: boolean) => {
  const stream = recordingStream(isTTY)
  const print = createProgressPrinter(stream)
  for (let posted = 1; posted <= 300; posted += 1)
    print({ posted, total: 300, opened: Math.min(posted, 80), expected: 80 })
  print({ posted: 300, total: 300, opened: 80, expected: 80 })
  return stream.text()
}

describe('progress', () => {
  it('is one line that is written over on a terminal', () => {
    const text = run(true)
    expect(text.split('\n')).toHaveLength(2)
    expect(text.split('\r')).toHaveLength(301)
    expect(text).toMatch(/300 of 300 deliveries posted, 80 of 80 read by their bots\n$/)
  })

  it('is a few lines elsewhere, the end among them', () => {
    const lines = run(false).trimEnd().split('\n')
    expect(lines).toHaveLength(3)
    expect(lines.at(-1)).toBe('300 of 300 deliveries posted, 80 of 80 read by their bots')
  })
})
