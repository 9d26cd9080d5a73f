import { describe, expect, it } from 'vitest'
import { createDemoLogger } from '../src/logger.ts'

describe('the logger of the demo', () => {
  it('writes each warning and error that nobody expected as one line, and counts the expected ones', () => {
    const lines: string[] = []
    const logger = createDemoLogger(
      (line) => lines.push(line),
      ({ message_id }) => message_id === 'attacked',
    )
    logger.debug({}, 'silent')
    logger.info({}, 'silent')
    logger.error({ message_id: 'attacked' }, 'Message moved to the dead-letter queue')
    logger.warn({ message_id: 'other', note: 'two\nlines' }, 'Message not handed over')
    logger.error({}, 'The consumer failed')
    expect(lines).toEqual([
      'warn: Message not handed over {"message_id":"other","note":"two\\nlines"}',
      'error: The consumer failed {}',
    ])
    expect(logger.expected).toBe(1)
  })
})
