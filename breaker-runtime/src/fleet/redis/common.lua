-- What both scripts need. It precedes each of them.
--
-- Numbers are times, durations and counters below 2^52, which a Lua number holds exactly. They become text with `int`,
-- because Lua itself would write large ones with an exponent.
local META, RECORDS, LOG, MEMBERS, SETTINGS = unpack(KEYS)

local MAX_NUMBER = 2 ^ 52
local MAX_LIFETIME_MS = 45000

local function int(number)
  return string.format('%.0f', number)
end

-- Reads a number. `nil` stands for a text that is none, or one that is out of range.
local function read_number(text)
  local number = tonumber(text)
  return number and number >= 0 and number < MAX_NUMBER and number or nil
end

-- The clock of the server in milliseconds. Clocks of processes are never compared.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- A process belongs to the fleet until it has missed three heartbeats of the default interval, which grows with the
-- fleet.
local function oldest_heartbeat(members)
  return now - math.min(math.max(3 * members, 5000), MAX_LIFETIME_MS)
end

-- A later heartbeat is damaged, or is older than a jump of the clock. Without this bound, its process would never expire.
local newest_heartbeat = now + MAX_LIFETIME_MS

-- Returns the version of the last change. It is that of the log in case that only the meta data was lost.
local function current_version(meta_version)
  if meta_version then
    return meta_version
  end
  local last = redis.call('ZREVRANGEBYSCORE', LOG, int(MAX_NUMBER), 0, 'WITHSCORES', 'LIMIT', 0, 1)
  return read_number(last[2]) or 0
end

-- Returns the records that changed after a version, oldest first and at most `limit`: their names, their texts (`false`
-- for a lost one), the version up to which the list is complete, and whether there are more.
local function changes_after(version, limit, current)
  local after, last = '(' .. int(version), int(MAX_NUMBER)
  local found = redis.call('ZRANGEBYSCORE', LOG, after, last, 'WITHSCORES', 'LIMIT', 0, limit + 1)
  local names = {}
  for i = 1, math.min(#found, 2 * limit), 2 do
    names[#names + 1] = found[i]
  end
  local texts = #names > 0 and redis.call('HMGET', RECORDS, unpack(names)) or {}
  if #found > 2 * limit then
    return names, texts, tonumber(found[2 * limit]), true
  end
  return names, texts, current, false
end

local function reply(incarnation, alive, cursor, limit, current, conflicts, lost)
  local names, texts, version, has_more = changes_after(cursor, limit, current)
  local records = {}
  for i, text in ipairs(texts) do
    if text then
      records[#records + 1] = names[i]
      records[#records + 1] = text
    end
  end
  return {incarnation, version, now, alive, has_more and 1 or 0, records, conflicts, lost}
end
