import { freePort } from './ports.ts'
import { type RedisConfig, type RedisServer, startRedis, until } from './server.ts'

export interface RedisCluster extends AsyncDisposable {
  readonly nodes: readonly RedisServer[]
  close(): Promise<void>
}

const slots = 16_384

/** Starts a cluster of masters that share the slots evenly, and waits until each of them says that the cluster is whole. */
export async function startRedisCluster({
  nodes: count = 3,
  config = {},
}: {
  nodes?: number
  config?: RedisConfig
} = {}): Promise<RedisCluster> {
  const members = await Promise.all(
    Array.from({ length: count }, async () => {
      // Left to itself it takes its port and 10 000, which may be taken.
      const busPort = String(await freePort())
      const clustered = { 'cluster-enabled': 'yes', 'cluster-port': busPort, 'cluster-node-timeout': '2000' }
      return { node: await startRedis({ config: { ...clustered, ...config } }), busPort }
    }),
  )
  const nodes = members.map(({ node }) => node)
  const close = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.close()))
  }
  try {
    await Promise.all(nodes.map((node, index) => giveSlots(node, index, count)))
    for (const { node, busPort } of members.slice(1)) {
      await nodes[0]?.command('CLUSTER', 'MEET', node.host, String(node.port), busPort)
    }
    await Promise.all(nodes.map((node) => until(node, ['CLUSTER', 'INFO'], wholeOf(count))))
  } catch (error) {
    await close()
    throw error
  }
  return { nodes, close, [Symbol.asyncDispose]: close }
}

const wholeOf = (count: number): RegExp =>
  new RegExp(`cluster_state:ok[\\s\\S]*cluster_slots_ok:${slots}[\\s\\S]*cluster_known_nodes:${count}\\b`)

async function giveSlots(node: RedisServer, index: number, count: number): Promise<void> {
  const first = Math.floor((index * slots) / count)
  const last = Math.floor(((index + 1) * slots) / count) - 1
  await node.command('CLUSTER', 'ADDSLOTSRANGE', String(first), String(last))
  // Nodes that meet with the same epoch would have to settle that first.
  await node.command('CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1))
}
