import type { Cluster, Redis } from 'ioredis'
import { refusalOf } from './errors.ts'
import { databaseOf } from './link.ts'
import { SELECT_SCRIPT } from './script.ts'

/** One `name:value` per line of INFO. */
const parseInfo = (text: string): ReadonlyMap<string, string> =>
  new Map(
    text.split('\r\n').map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon), line.slice(colon + 1)] as const
    }),
  )

const evictionOf = (policy: string | undefined): string[] => {
  if (policy === 'noeviction') return []
  if (policy === undefined) return ['Redis does not say its maxmemory-policy: make sure that it is noeviction']
  return [`maxmemory-policy is ${policy}, not noeviction: Redis drops records when memory is short, and replays pass`]
}

/** `saves`: what CONFIG says of snapshots; null: it is refused. */
const persistenceOf = (info: ReadonlyMap<string, string>, saves: string | null): string[] => {
  const isKept = info.get('aof_enabled') === '1' || Number(info.get('connected_slaves') ?? 0) > 0
  if (isKept || (saves !== null && saves !== '')) return []
  if (saves === null) {
    return [
      'Redis has no append-only file and no replica, and does not say whether it saves snapshots: check that it does',
    ]
  }
  return ['Redis neither persists its data nor has a replica: after a restart replays pass that it had known']
}

const replicasOf = (info: ReadonlyMap<string, string>, waitReplicas: number): string[] => {
  const count = Number(info.get('connected_slaves') ?? Number.NaN)
  return count < waitReplicas ? [`waitReplicas is ${waitReplicas}, and ${count} replicas are connected`] : []
}

/** What CONFIG GET says of snapshots, in whatever shape the client gives it; null where it says nothing. */
const savesOf = async (node: Redis): Promise<string | null> => {
  try {
    const reply: unknown = await node.config('GET', 'save')
    const values = Array.isArray(reply) ? reply : Object.entries(reply as object).flat()
    const at = values.indexOf('save')
    return at < 0 ? null : String(values[at + 1])
  } catch {
    return null
  }
}

/** The server's own word to a user whom it knows; no failure on the way to it, and nothing that a claim would fail of, too. */
const isDenial = (error: unknown): boolean =>
  error instanceof Error && error.name === 'ReplyError' && ['denied', 'failed'].includes(refusalOf(error))

const checkNode = async (node: Redis, waitReplicas: number): Promise<string[]> => {
  let info: ReadonlyMap<string, string>
  try {
    info = parseInfo(await node.info())
  } catch (error) {
    if (!isDenial(error)) throw error
    return [
      'INFO is refused: make sure that maxmemory-policy is noeviction, and that records persist or are replicated',
    ]
  }
  return [
    ...evictionOf(info.get('maxmemory_policy')),
    ...persistenceOf(info, await savesOf(node)),
    ...replicasOf(info, waitReplicas),
  ]
}

const checkDatabase = async (client: Redis): Promise<void> => {
  const database = databaseOf(client)
  if (database !== 0) await client.eval(SELECT_SCRIPT, 0, database)
}

/** The masters of a cluster are known once one of its nodes has answered. */
const mastersOf = async (cluster: Cluster): Promise<Redis[]> => {
  await cluster.info().catch((error: unknown) => {
    if (!isDenial(error)) throw error
  })
  return cluster.nodes('master')
}

/**
 * Resolves with what weakens the protection in the configuration of the server, or of the masters of a cluster: a sentence
 * each, the same one once.
 *
 * @throws what the client throws where the server cannot be asked, or not select its database
 */
export async function checkServer(client: Redis | Cluster, waitReplicas: number): Promise<string[]> {
  if (!client.isCluster) await checkDatabase(client as Redis)
  const nodes = client.isCluster ? await mastersOf(client as Cluster) : [client as Redis]
  const findings = await Promise.all(nodes.map((node) => checkNode(node, waitReplicas)))
  return [...new Set(findings.flat())]
}
