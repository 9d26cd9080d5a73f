import type { Cluster, Redis } from 'ioredis'

/** What the script is asked for, as far as time is concerned. */
export interface Times {
  readonly leaseMs: number
  readonly retainMs: number
}

type Args = [sha: string, count: string, key: string, operation: string, token: string, deadline: string, ...string[]]

/**
 * Returns the client, where leases and records end at other times than those that a store asks for. The rest is as it is: the
 * same script on the same server.
 */
export function inQuickTime<T extends Redis | Cluster>(client: T, change: (times: Times) => Times): T {
  const changed = ([sha, count, key, operation, token, deadline, lease, retain]: Args): string[] => {
    const { leaseMs, retainMs } = change({ leaseMs: Number(lease), retainMs: Number(retain) })
    return [sha, count, key, operation, token, deadline, String(Math.max(0, leaseMs)), String(Math.max(1, retainMs))]
  }
  const quick = <O extends object>(object: O): O =>
    new Proxy(object, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name)
        if (typeof value !== 'function') return value
        if (name === 'pipeline') return () => quick(Reflect.apply(value, target, []) as object)
        if (name !== 'evalsha' && name !== 'eval') return value.bind(target)
        return (...args: Args) => Reflect.apply(value, target, changed(args))
      },
    })
  return quick(client)
}
