-- Returns what has changed, as the other script does, and writes nothing.
--
-- KEYS: meta, records, log, members, settings
-- ARGV: cursor, limit
local meta = redis.call('HMGET', META, 'inc', 'ver')
local oldest = oldest_heartbeat(redis.call('ZCARD', MEMBERS))
local alive = redis.call('ZCOUNT', MEMBERS, int(oldest), int(newest_heartbeat))
local incarnation, version = read_number(meta[1]) or 0, current_version(read_number(meta[2]))
return reply(incarnation, alive, tonumber(ARGV[1]), tonumber(ARGV[2]), version, {}, {})
