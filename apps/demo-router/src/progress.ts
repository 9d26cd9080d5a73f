import type { Progress } from './demo/deliver.ts'

/** A stream of Node, perhaps a terminal. */
export interface TextStream {
  readonly isTTY?: boolean
  write(text: string): unknown
}

const sentence = ({ posted, total, opened, expected }: Progress): string =>
  `${posted} of ${total} deliveries posted, ${opened} of ${expected} read by their bots`

/** Lines for logs and pipes: one per tenth would already be many. */
const STEPS = 4

/** Returns a printer of progress: one line that is written over on a terminal, a few lines elsewhere. */
export function createProgressPrinter(stream: TextStream): (progress: Progress) => void {
  let last = ''
  let step = 0

  const isEnd = ({ posted, total, opened, expected }: Progress): boolean => posted >= total && opened >= expected

  const overwrite = (progress: Progress): void => {
    const text = sentence(progress)
    if (text !== last) stream.write(`\r\u001b[K${text}${isEnd(progress) ? '\n' : ''}`)
    last = text
  }

  const append = (progress: Progress): void => {
    const reached = isEnd(progress) ? STEPS : Math.floor((progress.posted / progress.total) * (STEPS - 1))
    if (reached > step) stream.write(`${sentence(progress)}\n`)
    step = Math.max(step, reached)
  }

  return stream.isTTY ? overwrite : append
}
