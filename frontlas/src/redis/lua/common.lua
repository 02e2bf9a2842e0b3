-- What all scripts share. ARGV[1] is the prefix of all keys; scripts make the names of keys themselves, since
-- an edge's record says which index it is in. KEYS[1] only tells a cluster the slot, which is that of all.
--
-- Ids are decimal text throughout: a Lua number does not hold 64 bits. Times are microseconds since 1970, below
-- 2^53, which it does hold.

local prefix = ARGV[1]
local call = redis.call

local function clock()
    local time = call('TIME')
    return time[1] * 1000000 + time[2]
end

local function digits(number)
    return string.format('%.0f', number)
end

-- Ids in an index all have 20 digits, so that their order as text is their order as numbers.
local function padded(id)
    return string.rep('0', 20 - #id) .. id
end

local function unpadded(member)
    return string.match(member, '^0*(%d+)$')
end

local function index(kind, frontier, generation)
    return prefix .. 'index:' .. kind .. ':' .. frontier .. ':' .. generation
end

-- A service in the index of names: they are in the order of names, those of one name side by side.
local function named(id, name)
    return (type(name) == 'string' and name or '') .. '\0' .. padded(id)
end

-- The generation of a living frontier, or false.
local lives = {}
local function life(frontier)
    if lives[frontier] == nil then
        lives[frontier] = call('EXISTS', prefix .. 'alive:frontiers:' .. frontier) == 1
            and call('HGET', prefix .. 'frontiers:' .. frontier, 'generation')
    end
    return lives[frontier]
end

-- The record of an edge or service, as table and as text, or nil. Whatever else lies under its key is none.
local function record(kind, id)
    local text = redis.pcall('GET', prefix .. kind .. ':' .. id)
    if type(text) ~= 'string' then
        return nil
    end
    local ok, it = pcall(cjson.decode, text)
    if ok and type(it) == 'table' and type(it.frontier_id) == 'string' and type(it.stamp) == 'number'
        and type(it.order) == 'number' and type(it.generation) == 'number' then
        return it, text
    end
    return nil
end

-- Whether the record lives, and its frontier, in the same life.
local function living(kind, id, it)
    return not it.ended
        and life(it.frontier_id) == digits(it.generation)
        and call('EXISTS', prefix .. 'alive:' .. kind .. ':' .. id) == 1
end

-- What a frontier advertises, as it has said. A frontlas of before writes it into the first field, and no URL.
local function advertised(addr, url)
    if addr and url and (url == addr or url == 'tcp://' .. addr) then
        return url
    end
    return addr or ''
end

-- A living frontier as it is given out, or false.
local function card(frontier)
    local generation = life(frontier)
    if not generation then
        return false
    end
    local it = call('HMGET', prefix .. 'frontiers:' .. frontier,
        'advertised_sb_addr', 'advertised_eb_addr', 'edge_count', 'service_count',
        'draining', 'away', 'advertised_sb_url', 'advertised_eb_url', 'forwarding', 'service_names')
    local sb, eb = advertised(it[1], it[7]), advertised(it[2], it[8])
    return { frontier, sb, eb, it[3] or '0', it[4] or '0', generation, it[5] or '0', it[6] or '0', it[9] or '0',
        it[10] or '[]' }
end
