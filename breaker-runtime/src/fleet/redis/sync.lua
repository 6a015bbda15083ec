-- One exchange of a process with its fleet: its heartbeat and its reports go in, changed records come out.
--
-- KEYS: meta, records, log, members, settings
-- ARGV: instance, deadline, cursor, channel, limit, leaving (0 or 1), and eight for each report: kind, name, epoch, a, b,
-- policy, text, settings. Texts are percent-encoded.
local instance, channel, limit = ARGV[1], ARGV[4], tonumber(ARGV[5])
local deadline, cursor, is_leaving = tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[6] == '1'

local MAX_ROUNDS = 2 ^ 31
local MAX_DISSENTS = 10
local KEPT_MS = 24 * 60 * 60 * 1000
local PRUNED_AT_ONCE = 8
local CORRECTED_AT_ONCE = 1000
local PUBLISHED_AT_ONCE = 50
local PUBLISHED_EVERY_MS = 50

-- A request can wait here long after its process has given up on it. It must not take effect then.
if deadline > 0 and now > deadline then
  return {'stale'}
end

-- The incarnation tells processes that all data was lost.
local meta = redis.call('HMGET', META, 'inc', 'ver', 'pub_at', 'pub_ver')
local incarnation, version = read_number(meta[1]), current_version(read_number(meta[2]))
if not incarnation then
  incarnation = now
  redis.call('HSET', META, 'inc', int(now), 'ver', int(version))
end
local first_version = version

-- The processes that no longer belong to the fleet.
local gone = {}
if is_leaving then
  redis.call('ZREM', MEMBERS, instance)
  gone[instance] = true
else
  redis.call('ZADD', MEMBERS, int(now), instance)
end
redis.call('ZREMRANGEBYSCORE', MEMBERS, '(' .. int(newest_heartbeat), '+inf')
local alive = redis.call('ZCARD', MEMBERS)
local before_oldest = '(' .. int(oldest_heartbeat(alive))
local late = redis.call('ZRANGEBYSCORE', MEMBERS, '-inf', before_oldest)
-- If half of the fleet is late at once, it was probably the store that was away. What they have reported stays.
if #late < 2 or #late * 2 < alive then
  for _, other in ipairs(late) do
    gone[other] = true
  end
end
alive = alive - redis.call('ZREMRANGEBYSCORE', MEMBERS, '-inf', before_oldest)

local function split(list)
  local items = {}
  if list ~= '-' then
    for item in list:gmatch('[^,]+') do
      items[#items + 1] = item
    end
  end
  return items
end

local function join(items)
  return #items == 0 and '-' or table.concat(items, ',')
end

-- Who gave the command, and why, is kept: processes that still follow it show that when they end it.
local function end_command(record)
  record.command, record.command_until = '-', 0
end

-- The forms of a character of several bytes.
local CHARACTERS = {
  '[\194-\223][\128-\191]', '\224[\160-\191][\128-\191]', '[\225-\236\238\239][\128-\191][\128-\191]',
  '\237[\128-\159][\128-\191]', '\240[\144-\191][\128-\191][\128-\191]',
  '[\241-\243][\128-\191][\128-\191][\128-\191]', '\244[\128-\143][\128-\191][\128-\191]',
}

-- Returns true if processes can decode a text: it is UTF-8.
local function is_utf8(text)
  if not text:find('%%[89a-fA-F]') then
    return true
  end
  local rest = text:gsub('%%(%x%x)', function(digits) return string.char(tonumber(digits, 16)) end)
  for _, character in ipairs(CHARACTERS) do
    rest = rest:gsub(character, '?')
  end
  return not rest:find('[\128-\255]')
end

-- Anyone with access to the server can write a record. `nil` stands for one that this version does not understand.
-- Without a command, `command_until` is the epoch that an operator began who closed the circuit, or 0.
local RECORD = '^1 ([co]) (%d+) (%d+) (%d+) (%d+) (%d+) (%S+) (%d+) (%S+) (%d+) (%S+) (%S+) (%S+) (%S+) (%S+)$'
local NUMBERS = {'epoch', 'version', 'due', 'rounds', 'token', 'expires', 'command_until'}
local COMMANDS = {['-'] = true, open = true, disabled = true}

local function read_record(text)
  if not text or text:gsub('%%%x%x', ''):find('[^%w._~:, -]') then
    return nil
  end
  local r = {}
  r.state, r.epoch, r.version, r.due, r.rounds, r.token, r.owner, r.expires, r.command, r.command_until, r.by, r.why,
    r.reason, r.votes, r.dissents = text:match(RECORD)
  if not COMMANDS[r.command or ''] or (r.owner .. r.by .. r.why .. r.reason):find(',') or not is_utf8(text) then
    return nil
  end
  for _, name in ipairs(NUMBERS) do
    r[name] = read_number(r[name])
    if not r[name] then
      return nil
    end
  end
  if r.rounds >= MAX_ROUNDS then
    return nil
  end
  r.votes, r.dissents = split(r.votes), split(r.dissents)
  if r.command ~= '-' and r.command_until > 0 and now >= r.command_until then
    end_command(r)
  end
  return r
end

-- A missing record is that of a closed circuit.
local function load_record(name)
  return read_record(redis.call('HGET', RECORDS, name))
    or read_record('1 c 0 0 0 0 0 - 0 - 0 - - - - -')
end

-- Returns the number that follows, which is at least the time, so that none is used again after data was lost. The
-- largest one follows itself: no process reads a record with a larger one.
local function next_number(number)
  return math.min(math.max(number + 1, now), MAX_NUMBER - 1)
end

local function store(name, r)
  version = next_number(version)
  r.version = version
  local text = table.concat({
    '1', r.state, int(r.epoch), int(r.version), int(r.due), int(r.rounds), int(r.token), r.owner, int(r.expires),
    r.command, int(r.command_until), r.by, r.why, r.reason, join(r.votes), join(r.dissents),
  }, ' ')
  redis.call('HSET', RECORDS, name, text)
  redis.call('ZADD', LOG, int(version), name)
end

-- A lease ends with its epoch.
local function begin_epoch(r)
  r.epoch = next_number(r.epoch)
  r.owner, r.expires = '-', 0
end

local function close(r)
  begin_epoch(r)
  r.state, r.due, r.rounds, r.reason, r.votes, r.dissents = 'c', 0, 0, '-', {}, {}
end

local function has_lease(r)
  return r.owner ~= '-' and now < r.expires
end

-- A late verdict, and one of an earlier lease, has no effect.
local function holds_lease(r, token)
  return r.state == 'o' and has_lease(r) and r.owner == instance and r.token == token
end

-- Returns the instances of a list that belong to the fleet, with this one.
local function with_this_instance(list)
  local members, is_in = {}, false
  for _, other in ipairs(list) do
    if redis.call('ZSCORE', MEMBERS, other) then
      members[#members + 1] = other
      is_in = is_in or other == instance
    end
  end
  if not is_in and not is_leaving then
    members[#members + 1] = instance
  end
  return members
end

local function without_this_instance(list)
  local others = {}
  for _, other in ipairs(list) do
    if other ~= instance then
      others[#others + 1] = other
    end
  end
  return others
end

local function without_gone(list)
  local members = {}
  for _, other in ipairs(list) do
    if not gone[other] then
      members[#members + 1] = other
    end
  end
  return members
end

-- Returns true if a record may contain votes or dissents that `correct` removes. To read a record takes ten times as long.
local function may_need_correction(text)
  local lists = text:match('^1 o .* (%S+)$') or text
  for other in pairs(gone) do
    if lists:find(other, 1, true) then
      return true
    end
  end
  return false
end

-- Removes the votes and dissents of processes that no longer belong to the fleet, and of which no other process knows
-- that. The votes of an open circuit are those that opened it.
local function correct(name, text)
  local r = text and may_need_correction(text) and read_record(text)
  if not r then
    return
  end
  local before = join(r.votes) .. ' ' .. join(r.dissents)
  if r.state == 'c' then
    r.votes = without_gone(r.votes)
  end
  r.dissents = without_gone(r.dissents)
  if join(r.votes) .. ' ' .. join(r.dissents) ~= before then
    store(name, r)
  end
end

if next(gone) then
  local names = redis.call('ZREVRANGEBYSCORE', LOG, int(MAX_NUMBER), 0, 'LIMIT', 0, CORRECTED_AT_ONCE)
  local texts = #names > 0 and redis.call('HMGET', RECORDS, unpack(names)) or {}
  for i, text in ipairs(texts) do
    correct(names[i], text)
  end
end

-- How many instances must agree: one, or a tenth of the fleet.
local function needed(policy)
  if policy == 'f' then
    return 1
  end
  return math.min(math.max(alive, 1), math.max(2, math.min(10, math.ceil(alive / 10))))
end

-- One function for each kind of report. It returns the record to store, or `nil` if nothing has changed.
local apply = {}

function apply.vote(r, report)
  if r.state ~= 'c' or r.command ~= '-' then
    return nil
  end
  local before = join(r.votes)
  r.votes = with_this_instance(r.votes)
  if #r.votes >= needed(report.policy) then
    begin_epoch(r)
    r.state, r.due, r.rounds, r.reason, r.dissents = 'o', now + report.a, 0, report.text, {}
    return r
  end
  return join(r.votes) ~= before and r or nil
end

-- A process that leaves gives its lease back.
function apply.withdraw(r)
  local before = join(r.votes) .. ' ' .. join(r.dissents)
  if is_leaving and has_lease(r) and r.owner == instance then
    r.owner, r.expires, before = '-', 0, nil
  end
  if r.state == 'c' then
    r.votes = without_this_instance(r.votes)
  end
  r.dissents = without_this_instance(r.dissents)
  return join(r.votes) .. ' ' .. join(r.dissents) ~= before and r or nil
end

function apply.dissent(r, report)
  if r.state ~= 'o' then
    return nil
  end
  local before = join(r.dissents)
  r.dissents = with_this_instance(r.dissents)
  r.dissents[MAX_DISSENTS + 1] = nil
  if #r.dissents >= needed(report.policy) and now >= r.due and not has_lease(r) then
    close(r)
    return r
  end
  return join(r.dissents) ~= before and r or nil
end

function apply.lease(r, report)
  if r.state ~= 'o' or r.command ~= '-' or now < r.due or has_lease(r) then
    return nil
  end
  r.token, r.owner, r.expires = next_number(r.token), instance, now + report.a
  return r
end

function apply.passed(r, report)
  if not holds_lease(r, report.a) then
    return nil
  end
  close(r)
  return r
end

function apply.failed(r, report)
  if not holds_lease(r, report.a) then
    return nil
  end
  begin_epoch(r)
  r.due, r.rounds, r.reason, r.dissents = now + report.b, math.min(r.rounds + 1, MAX_ROUNDS - 1), report.text, {}
  return r
end

-- The server has lost a record that the process still knows.
function apply.assert(r, report)
  local known = read_record(report.text)
  if not known or known.epoch <= r.epoch then
    return nil
  end
  known.token, known.owner, known.expires = math.max(known.token, r.token), '-', 0
  return known
end

-- A release without a command changes nothing. If there is no record, the store may have lost it: a new epoch keeps
-- processes from restoring its command.
function apply.force(r, report)
  if report.policy == 'none' and r.command == '-' and r.version > 0 then
    return nil
  end
  if report.policy == 'closed' then
    close(r)
  else
    begin_epoch(r)
  end
  end_command(r)
  r.by, r.why = report.text, report.settings
  if report.policy == 'closed' then
    r.command_until = r.epoch
  elseif report.policy == 'open' or report.policy == 'disabled' then
    r.command, r.command_until = report.policy, report.a > 0 and now + report.a or 0
  end
  return r
end

local conflicts, lost = {}, {}

-- The settings of one process are kept, as long as it belongs to the fleet, so that others can report that theirs differ.
-- It may get other settings itself.
local function compare_settings(report)
  local settings, owner = (redis.call('HGET', SETTINGS, report.name) or ''):match('^(%S+) (%S+)$')
  if not owner or owner == instance or not redis.call('ZSCORE', MEMBERS, owner) then
    redis.call('HSET', SETTINGS, report.name, report.settings .. ' ' .. instance)
  elseif settings ~= report.settings then
    conflicts[#conflicts + 1] = report.name
    conflicts[#conflicts + 1] = settings
  end
end

-- A command and a lost record apply whatever the process has seen. The other reports are about one epoch.
local function is_current(r, report)
  if report.kind == 'force' or report.kind == 'assert' then
    return true
  end
  if report.epoch > r.epoch then
    lost[#lost + 1] = report.name
  end
  -- Epoch 0: the record is new or was removed, and processes may remember different epochs of it.
  if r.epoch == 0 and report.epoch < MAX_NUMBER then
    r.epoch = report.epoch
  end
  return r.epoch == report.epoch
end

local function receive(report)
  local r = load_record(report.name)
  local handler = apply[report.kind]
  local changed = handler and is_current(r, report) and handler(r, report)
  if changed then
    store(report.name, changed)
  end
  if (report.kind == 'vote' or report.kind == 'lease') and r.version > 0 then
    compare_settings(report)
  end
end

for i = 7, #ARGV - 7, 8 do
  receive({
    kind = ARGV[i], name = ARGV[i + 1], epoch = tonumber(ARGV[i + 2]), a = tonumber(ARGV[i + 3]),
    b = tonumber(ARGV[i + 4]), policy = ARGV[i + 5], text = ARGV[i + 6], settings = ARGV[i + 7],
  })
end

-- A closed circuit that has not changed for a day is forgotten.
local oldest = '(' .. int(now - KEPT_MS)
for _, name in ipairs(redis.call('ZRANGEBYSCORE', LOG, '-inf', oldest, 'LIMIT', 0, PRUNED_AT_ONCE)) do
  local r = load_record(name)
  if r.state == 'c' and r.command == '-' then
    redis.call('HDEL', RECORDS, name)
    redis.call('HDEL', SETTINGS, name)
    redis.call('ZREM', LOG, name)
  else
    store(name, r)
  end
end

-- Changes are collected for a moment, so that many processes that report at once cause few messages. Votes that do not
-- open a circuit change nothing for others, who learn of them by their next exchange. Publishing may be forbidden to this
-- user; then all changes arrive that way.
local published_at, published = read_number(meta[3]) or 0, read_number(meta[4]) or first_version
if version > published and math.abs(now - published_at) >= PUBLISHED_EVERY_MS then
  local names, texts, upto = changes_after(published, PUBLISHED_AT_ONCE, version)
  local lines, complete_upto = {}, upto
  for i, name in ipairs(names) do
    local r = read_record(texts[i])
    if r and r.state == 'c' and r.command == '-' and #r.votes > 0 then
      complete_upto = published
    elseif r and not name:find('[^%w%%._~:/#-]') then
      lines[#lines + 1] = name .. ' ' .. texts[i]
    end
  end
  if #lines > 0 then
    local head = {'1', int(incarnation), int(published), int(complete_upto), int(now), int(alive)}
    redis.pcall('PUBLISH', channel, table.concat(head, ' ') .. '\n' .. table.concat(lines, '\n'))
    published_at = now
  end
  published = upto
end
if version ~= first_version or published ~= read_number(meta[4]) then
  redis.call('HSET', META, 'ver', int(version), 'pub_at', int(published_at), 'pub_ver', int(published))
end

return reply(incarnation, alive, cursor, limit, version, conflicts, lost)
