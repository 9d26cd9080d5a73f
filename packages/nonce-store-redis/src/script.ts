import { createHash } from 'node:crypto'
import type { NonceClaim, NonceIdentity } from '@queue-runtime/crypto'
import { RETAIN_AFTER_LEASE_MS } from '@queue-runtime/crypto/provider'
import { recordKeys } from './record-key.ts'

/**
 * Selects the database that is meant, for the script that goes on from here: a client that is refused its database says so to
 * nobody and stays at 0. Nothing is written there. On a cluster there is no other, and nothing is selected.
 */
const SELECT = `
if database and database ~= '0' then
  local selected = redis.pcall('SELECT', database)
  if selected.err then return redis.error_reply('NODATABASE The database cannot be selected') end
end
`

/** Replies with an error where the database cannot be selected. */
export const SELECT_SCRIPT: string = `
local database = ARGV[1]
${SELECT}
return 'ok'
`.trim()

/**
 * The state table of protocol.md 5 on one record. One script for all operations: one to load and to know by its hash, and what
 * a record looks like stands in one place. A record is `1` (completed) or `0` (released), which Redis keeps without memory of
 * their own, or the end of a lease and the token of its holder.
 *
 * A call that comes after its deadline changes nothing and says so. It may have waited in a client, in a socket or in a server
 * that stood still, and whoever asked was told long ago that there is no answer. What would come of it then: a claim that was
 * fresh when it was made lets a copy be handled again after the record of its completion has gone, and a release takes from a
 * delivery the claim that it has made anew.
 */
export const SCRIPT: string = `
local operation, token, deadline, lease, retain, database = unpack(ARGV)
${SELECT}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local said = ' ' .. string.format('%d', now)
if now > tonumber(deadline) then return 'late' .. said end

local value = redis.call('GET', KEYS[1])
local standing
if not value then standing = 'absent'
elseif value == '0' then standing = 'released'
elseif value == '1' then standing = 'completed'
else
  local colon = string.find(value, ':', 1, true)
  if string.sub(value, colon + 1) == token then standing = 'mine'
  elseif now < tonumber(string.sub(value, 1, colon - 1)) then standing = 'live'
  else standing = 'lapsed' end
end

local row
if operation == 'claim' or operation == 'claim-stale' then
  row = { released = 'granted-again', lapsed = 'granted-again', mine = 'granted-again',
    live = 'in-flight', completed = 'completed', absent = 'granted' }
  if operation == 'claim-stale' then row.absent = 'expired' end
elseif operation == 'confirm' then
  row = { absent = 'ok', released = 'ok', mine = 'ok', lapsed = 'lost', live = 'lost', completed = 'already' }
elseif operation == 'release' or operation == 'renew' then
  row = { mine = 'ok' }
end
local answer = row[standing] or 'lost'
if answer ~= 'granted' and answer ~= 'granted-again' and answer ~= 'ok' then return answer .. said end

local written
if operation == 'confirm' then written = '1'
elseif operation == 'release' then written = '0'
else written = string.format('%d:%s', now + lease, token) end
if operation == 'renew' then
  retain = string.format('%d', math.max(redis.call('PTTL', KEYS[1]), retain))
end
redis.call('SET', KEYS[1], written, 'PX', retain)
return answer .. said
`.trim()

export const SCRIPT_SHA: string = createHash('sha1').update(SCRIPT).digest('hex')

/** One call of the script, but for its deadline. */
export interface Ask {
  readonly key: string
  readonly operation: 'claim' | 'claim-stale' | 'renew' | 'confirm' | 'release'
  readonly token: string
  readonly leaseMs: number
  readonly retainMs: number
}

/** A lease is never longer, a record never shorter than it is asked for. */
const leaseOf = (ms: number): number => Math.min(Number.MAX_SAFE_INTEGER, Math.max(0, Math.floor(ms)))
const retentionOf = (ms: number): number => Math.min(Number.MAX_SAFE_INTEGER, Math.max(1, Math.ceil(ms)))

/** Returns the calls that stand for the operations of a store whose keys begin with `prefix`. */
export function asksWith(prefix: string): {
  readonly claim: (request: NonceClaim) => Ask
  readonly renew: (id: NonceIdentity, leaseMs: number) => Ask
  readonly settle: (operation: 'confirm' | 'release', id: NonceIdentity, retainMs: number) => Ask
} {
  const keyOf = recordKeys(prefix)
  const ask = (operation: Ask['operation'], id: NonceIdentity, leaseMs: number, retainMs: number): Ask => ({
    key: keyOf(id),
    operation,
    token: id.token,
    leaseMs: leaseOf(leaseMs),
    retainMs: retentionOf(retainMs),
  })
  return {
    claim: (request) => ask(request.stale ? 'claim-stale' : 'claim', request, request.leaseMs, request.retainMs),
    renew: (id, leaseMs) => ask('renew', id, leaseMs, leaseMs + RETAIN_AFTER_LEASE_MS),
    settle: (operation, id, retainMs) => ask(operation, id, 0, retainMs),
  }
}

/** What the script says: the answer, and what the clock of the server shows. */
export interface Said {
  readonly answer: string
  readonly serverNow: number
}

/** Null where it is not what the script says. */
export function parseSaid(reply: string): Said | null {
  const space = reply.indexOf(' ')
  const serverNow = Number(reply.slice(space + 1))
  return space > 0 && serverNow > 0 ? { answer: reply.slice(0, space), serverNow } : null
}
