-- Returns what has changed, as the other script does, and writes nothing.
--
-- KEYS: meta, records, log, members, settings
-- ARGV: cursor, limit
local meta = redis.call('HMGET', META, 'inc', 'ver')
local alive = redis.call('ZCOUNT', MEMBERS, int(oldest_heartbeat(redis.call('ZCARD', MEMBERS))), '+inf')
return reply(read_number(meta[1]) or 0, alive, tonumber(ARGV[1]), tonumber(ARGV[2]), read_number(meta[2]) or 0, {}, {})
