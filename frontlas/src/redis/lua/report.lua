-- Online and offline events, in order, and chunks of a resync.
-- ARGV: 6 frontier as JSON, 7 alive in ms, 8 and 9 meta of edges and of services in ms, 10 the number of the resync or '',
-- 11 and 12 the most edges and services of a frontier, then for each event: '+' or '-', 'edges' or 'services', id, stamp, the beginning of the record ('' if '-')
-- Gives for each event: 'a' applied, 'u' unchanged, 'f' full, 's' and a frontier: superseded by it, 'h' and a frontier: it is
-- held there.

local generation = leased()
local resync = generation and call('HGET', own, 'resyncing')
if not generation or (ARGV[10] ~= '' and resync ~= ARGV[10]) then
    return { 'lost' }
end
local alive = ARGV[7]
local meta = { edges = ARGV[8], services = ARGV[9] }
local most = { edges = tonumber(ARGV[11]), services = tonumber(ARGV[12]) }
local touched, renamed = {}, {}

-- Whether a < b by bytes; the operator goes by the locale of the server.
local function precedes(a, b)
    for at = 1, math.min(#a, #b) do
        if a:byte(at) ~= b:byte(at) then
            return a:byte(at) < b:byte(at)
        end
    end
    return #a < #b
end

-- Whether the frontier has as many as it may, and not this one. What a snapshot leaves out is on its way out.
local function is_full(kind, id)
    local all = index(kind, frontier, generation)
    local count = resync and call('SCARD', seen(kind)) or call('ZCARD', all)
    return count >= most[kind] and not call('ZSCORE', all, padded(id))
end

-- Whether a later connection may displace an earlier one that is still there, at another frontier.
local function may_displace(kind, later, earlier)
    local mine, its = later.claim, earlier.claim
    if type(mine) ~= 'table' or type(its) ~= 'table' or type(mine.proof) ~= 'number' or type(its.proof) ~= 'number' then
        return true
    end
    if mine.proof == 3 and its.proof < 3 then
        return true
    end
    if later.service ~= earlier.service or mine.proof < its.proof then
        return false
    end
    if mine.proof > its.proof then
        return true
    end
    if mine.proof == 1 and mine.subject ~= its.subject then
        return false
    end
    -- A service may be at many frontiers.
    return kind == 'services' or mine.comes_back ~= true
        or (tonumber(mine.since) or 0) >= (tonumber(its.since) or 0)
end

-- Notes it as a part of the snapshot, during a resync.
local function see(kind, id, name)
    if resync then
        call('SADD', seen(kind), id)
        if kind == 'services' then
            call('ZADD', seen('names'), 0, named(id, name))
        end
    end
end

-- The service has this name no longer, at the frontier and in the life of it that its record is of.
local function unname(id, it)
    call('ZREM', index('names', it.frontier_id, digits(it.generation)), named(id, it.service))
    if resync and it.frontier_id == frontier then
        call('ZREM', seen('names'), named(id, it.service))
    end
    renamed[it.frontier_id] = true
end

local function online(kind, id, stamp, head)
    local key = prefix .. kind .. ':' .. id
    local at = tonumber(stamp)
    local order = math.min(at, now)
    local old, text = record(kind, id)
    local lived = old and living(kind, id, old)
    if old then
        local same = old.frontier_id == frontier and old.stamp == at
        if same and old.ended then
            return 'u'
        end
        if same and lived then
            see(kind, id, old.service)
            return 'u'
        end
        local older = order < old.order or (order == old.order and precedes(frontier, old.frontier_id))
        -- A record from the future was written by another clock: it must not block the present.
        older = older and old.order <= now
        -- At one frontier, that has judged already.
        if not same and lived and old.frontier_id ~= frontier then
            local it = cjson.decode('{' .. head .. '}')
            if older then
                -- It was told of in the wrong order, if the other one may not displace it.
                older = may_displace(kind, old, it)
            elseif not may_displace(kind, it, old) then
                return 'h' .. old.frontier_id
            end
        end
        if not same and older then
            return 's' .. old.frontier_id
        end
    end
    if is_full(kind, id) then
        return 'f'
    end
    local new = '{' .. head .. ',"frontier_id":' .. ARGV[6]
        .. ',"update_time":' .. digits(math.floor(now / 1000000))
        .. ',"stamp":' .. stamp .. ',"order":' .. digits(order) .. ',"generation":' .. generation .. '}'
    call('SET', key, new, 'PX', meta[kind])
    call('SET', prefix .. 'alive:' .. kind .. ':' .. id, 1, 'PX', alive)
    call('ZADD', index(kind, frontier, generation), 0, padded(id))
    if old and old.frontier_id ~= frontier then
        call('ZREM', index(kind, old.frontier_id, digits(old.generation)), padded(id))
        touched[old.frontier_id] = true
    end
    if kind == 'services' then
        if old then
            unname(id, old)
        end
        local name = cjson.decode('{' .. head .. '}').service
        call('ZADD', index('names', frontier, generation), 0, named(id, name))
        renamed[frontier] = true
        see(kind, id, name)
    else
        see(kind, id)
    end
    if lived and old.frontier_id ~= frontier then
        tell('change', kind .. '_online', 'id', id, 'record', new,
            'former', old.frontier_id, 'stamp', digits(old.stamp))
    else
        tell('change', kind .. '_online', 'id', id, 'record', new)
    end
    return 'a'
end

local function offline(kind, id, stamp)
    local old, text = record(kind, id)
    if not old or old.ended or old.frontier_id ~= frontier or old.stamp ~= tonumber(stamp)
        or digits(old.generation) ~= generation then
        return 'u'
    end
    call('DEL', prefix .. 'alive:' .. kind .. ':' .. id)
    call('SET', prefix .. kind .. ':' .. id, text:sub(1, -2) .. ',"ended":true}', 'PX', meta[kind])
    call('ZREM', index(kind, frontier, generation), padded(id))
    if kind == 'services' then
        unname(id, old)
    end
    tell('change', kind .. '_offline', 'id', id, 'frontier', frontier, 'stamp', stamp)
    return 'a'
end

local verdicts, changed = {}, false
for at = 13, #ARGV, 5 do
    local act = ARGV[at] == '+' and online or offline
    local verdict = act(ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4])
    changed = changed or verdict == 'a'
    verdicts[#verdicts + 1] = verdict
end

local revision = call('HGET', own, 'revision') or '0'
if changed then
    revision = digits(call('HINCRBY', own, 'revision', 1))
    touched[frontier] = true
    for each in pairs(touched) do
        recount(each)
    end
    for each in pairs(renamed) do
        rename(each)
    end
    -- Swept when the frontier goes; this is for when nobody sweeps.
    call('PEXPIRE', index('edges', frontier, generation), 10 * alive)
    call('PEXPIRE', index('services', frontier, generation), 10 * alive)
    call('PEXPIRE', index('names', frontier, generation), 10 * alive)
end
if resync then
    call('PEXPIRE', seen('edges'), 10 * alive)
    call('PEXPIRE', seen('services'), 10 * alive)
    call('PEXPIRE', seen('names'), 10 * alive)
end
return { 'ok', revision, verdicts }
