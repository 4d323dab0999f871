import { createHash } from 'node:crypto';
import type { Cluster, Redis } from 'ioredis';
import { promiseOf } from '../promise.ts';

/** A script and the name under which the server knows it. */
export interface Script {
  readonly text: string;
  readonly sha1: string;
}

/** What the scripts know of the envelope: see `envelope.ts`. */
const COMMON = `
local function field(raw, index)
  local head = string.match(raw, '^[VNT]([^;]*);')
  if not head then return nil end
  local at = 0
  for part in string.gmatch(head .. ',', '([^,]*),') do
    at = at + 1
    if at == index and part ~= '' then return tonumber(part, 36) end
  end
  return nil
end
local function lease(raw)
  return string.match(raw, '^L([^,]*),([^;]*);(.*)$')
end
local function put(raw, px)
  if px == '' then redis.call('SET', KEYS[1], raw) else redis.call('SET', KEYS[1], raw, 'PX', px) end
  return 1
end
`;

/** `first` runs before anything else is set up, and may answer. */
function script(text: string, first: string = ''): Script {
  const whole = first + COMMON + text;
  return { text: whole, sha1: createHash('sha1').update(whole).digest('hex') };
}

/** What {@link acquireFree} puts where nothing is: it lasts as long as the key does. */
function loneLease(token: string): string {
  return `${LONE_LEASE}${token};`;
}

const LONE_LEASE = 'L,';

/** Set when a server has refused SET with NX and GET, which came with Redis 7. */
const refusesNxGet = new WeakSet<Redis | Cluster>();

/** The token of a lease with nothing under it; `undefined` for anything else. */
export function loneLeaseToken(raw: string): string | undefined {
  return raw.startsWith(LONE_LEASE) ? raw.slice(LONE_LEASE.length, -1) : undefined;
}

/**
 * A lease where nothing is, by one plain command, which takes the server a tenth of a script's time.
 *
 * @returns what `answer` makes of `null` when it was granted; of what is there; or of `undefined` when the server would
 * not have it: it is full, takes no writes, or is older than Redis 7.
 */
export function acquireFree<T>(
  client: Redis | Cluster,
  key: string,
  token: string,
  leaseMs: number,
  answer: (found: string | null | undefined) => T | Promise<T>,
): Promise<T> {
  if (refusesNxGet.has(client)) return promiseOf(() => answer(undefined));
  // One turn from the reply to the answer: this is the way of every miss.
  return client.set(key, loneLease(token), 'PX', leaseMs, 'NX', 'GET').then(answer, (error: unknown) => {
    if (!(error instanceof Error) || error.name !== 'ReplyError') throw error;
    if (error.message.startsWith('ERR syntax')) refusesNxGet.add(client);
    return answer(undefined);
  });
}

/**
 * A lease for the token ARGV[1], of ARGV[2] ms, unless there is one, or a value that is fresh beyond ARGV[3] (empty: any
 * value). What was there stays inside the lease, unless it is text of somebody else. One that has failed is free, but for
 * who has waited (ARGV[4]).
 *
 * @returns the value; or `L` and the token of who has the lease; or `F` and why that one failed; or `G`, granted, and the
 * head of what was there.
 */
export const ACQUIRE: Script = script(`
local held = redis.call('GET', KEYS[1])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local old = ''
if held then
  local kind = string.sub(held, 1, 1)
  if kind == 'L' then
    local ends, token, rest = lease(held)
    if ends == '' or (tonumber(ends) or 0) > now then return 'L' .. token end
    if ARGV[4] ~= '' and token and string.sub(token, 1, 1) == '!' then return 'F' .. string.sub(token, 2) end
    old = rest or ''
  elseif string.find(kind, '^[VNT]') then
    if kind ~= 'T' then
      if ARGV[3] == '' then return held end
      local fresh = field(held, 2) or field(held, 1)
      if ARGV[3] ~= 'all' and (fresh == nil or fresh > tonumber(ARGV[3])) then return held end
    end
    old = held
  end
end
local px = tonumber(ARGV[2])
local marker = 'L' .. string.format('%.0f', now + px) .. ',' .. ARGV[1] .. ';' .. old
if old ~= '' then
  local left = redis.call('PTTL', KEYS[1])
  if left < 0 then px = '' else px = math.max(px, left) end
end
put(marker, px)
return 'G' .. (string.match(old, '^[VNT][^;]*;') or '')`);

/**
 * Puts ARGV[2] in the place of the lease ARGV[1], for ARGV[3] ms or for ever when that is empty. Not when what was there
 * has a version above ARGV[4]: it then comes back. @returns 1 when it did.
 */
export const FILL: Script = script(
  `
local _, token, old = lease(held)
if token ~= ARGV[1] then return 0 end
local version = ARGV[4] ~= '' and field(old, 3)
if version and version > tonumber(ARGV[4]) then
  redis.call('SET', KEYS[1], old, 'KEEPTTL')
  return 0
end
return put(ARGV[2], ARGV[3])`,
  `
local held = redis.call('GET', KEYS[1])
if not held then return 0 end
if ARGV[3] ~= '' and held == '${LONE_LEASE}' .. ARGV[1] .. ';' then
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
  return 1
end`,
);

/** Ends the lease ARGV[1], if it is still there; what was there before it comes back. */
export const RELEASE: Script = script(`
local held = redis.call('GET', KEYS[1])
if not held then return 0 end
local _, token, old = lease(held)
if token ~= ARGV[1] then return 0 end
if old == '' then return redis.call('DEL', KEYS[1]) end
redis.call('SET', KEYS[1], old, 'KEEPTTL')
return 1`);

/**
 * As RELEASE, and leaves why (ARGV[2]) in the lease's place, for ARGV[3] ms where nothing is under it; then ARGV[5] is
 * published on the channel ARGV[4].
 */
export const FAIL: Script = script(`
local held = redis.call('GET', KEYS[1])
if not held then return 0 end
local _, token, old = lease(held)
if token ~= ARGV[1] then return 0 end
local marker = 'L0,!' .. ARGV[2] .. ';' .. old
if old == '' then redis.call('SET', KEYS[1], marker, 'PX', ARGV[3]) else redis.call('SET', KEYS[1], marker, 'KEEPTTL') end
redis.call('PUBLISH', ARGV[4], ARGV[5])
return 1`);

/** Puts ARGV[1] there for ARGV[2] ms, unless what is there has a version above ARGV[3]. @returns 1 when it did. */
export const SET_VERSION: Script = script(`
local held = redis.call('GET', KEYS[1])
if held then
  local _, _, old = lease(held)
  local version = field(old or held, 3)
  if version and version > tonumber(ARGV[3]) then return 0 end
end
return put(ARGV[1], ARGV[2])`);

/** Puts ARGV[1] among those that listen, for ARGV[2] ms, and forgets those that have long gone. */
export const LISTEN: Script = script(`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
return redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - 10 * ARGV[2])`);

/** @returns who listens. */
export const LISTENERS: Script = script(`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
return redis.call('ZRANGEBYSCORE', KEYS[1], now, '+inf')`);

/** Runs a script on one key by its name, and once by its text when the server does not know it (yet, or any more). */
export function runScript<T>(
  client: Redis | Cluster,
  { text, sha1 }: Script,
  key: string,
  args: readonly (string | number)[],
  answer: (reply: unknown) => T,
): Promise<T> {
  return client.evalsha(sha1, 1, key, ...args).then(answer, (error: unknown) => {
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
    return client.eval(text, 1, key, ...args).then(answer);
  });
}
