import { QueueError } from './errors.ts'

/** The floor of `engines`: npm only warns where it is not met, and what is missing then fails far from its cause. */
const MIN_NODE_MAJOR = 22

/** @throws Configuration with field `node`: this Node is too old */
export function checkNode(version: string | undefined = process.versions.node): void {
  if (version === undefined || Number.parseInt(version, 10) >= MIN_NODE_MAJOR) return
  const text = `queue-runtime needs Node ${MIN_NODE_MAJOR} or newer; this is ${version}.`
  throw new QueueError('Configuration', text, { facts: { field: 'node' } })
}
