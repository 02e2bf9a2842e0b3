-- What the scripts share that change something. ARGV[2] is how many changes the history keeps.

local now = clock()

-- The history: a stream whose ids are "history-number", both written here, so that a gap shows.
local history, number
local function tell(...)
    local key = prefix .. 'history'
    if not history then
        local it = call('HMGET', key, 'id', 'number')
        history, number = it[1] or digits(now), tonumber(it[2] or 0)
    end
    number = number + 1
    local id = history .. '-' .. digits(number)
    local added = redis.pcall('XADD', prefix .. 'changes', 'MAXLEN', '~', ARGV[2], id, ...)
    if type(added) == 'table' and added.err then
        if not string.find(added.err, 'equal or smaller', 1, true) then
            error(added.err)
        end
        -- The stream is of another time than its number, as after a restored backup: begin anew.
        call('UNLINK', prefix .. 'changes')
        history, number = digits(now), 1
        call('XADD', prefix .. 'changes', history .. '-1', ...)
    end
    call('HSET', key, 'id', history, 'number', digits(number))
end

-- Sets the counts of a frontier to what its indexes have.
local function recount(frontier)
    local key = prefix .. 'frontiers:' .. frontier
    local generation = call('HGET', key, 'generation')
    if generation then
        call('HSET', key,
            'edge_count', call('ZCARD', index('edges', frontier, generation)),
            'service_count', call('ZCARD', index('services', frontier, generation)))
    end
end

-- Sets the names of a frontier's services to what its index of them has: each once, in order, and no more than fit.
local function rename(frontier)
    local key = prefix .. 'frontiers:' .. frontier
    local generation = call('HGET', key, 'generation')
    if not generation then
        return
    end
    local names, size, from = {}, 0, '-'
    while #names < MAX_NAMES do
        local member = call('ZRANGEBYLEX', index('names', frontier, generation), from, '+', 'LIMIT', 0, 1)[1]
        local name = member and member:sub(1, -22)
        size = size + (name and #name or 0)
        if not name or size > MAX_NAMES_SIZE then
            break
        end
        names[#names + 1] = name
        -- Behind all of that name: the 20 digits of an id begin with 0 or 1.
        from = '(' .. name .. '\0' .. '2'
    end
    if #names > 0 then
        call('HSET', key, 'service_names', cjson.encode(names))
    else
        call('HDEL', key, 'service_names')
    end
end

-- A server that is out of memory refuses what may need more of it, unless the script has written before. So
-- scripts that give memory back begin with a deletion, and others are refused before they have done anything.

-- Ends this life of a frontier, and of everything on it: records of another generation do not count.
local function bury(frontier)
    local generation = call('HGET', prefix .. 'index:frontiers', frontier)
    if not generation then
        return
    end
    call('HDEL', prefix .. 'index:frontiers', frontier)
    call('UNLINK', index('edges', frontier, generation), index('services', frontier, generation),
        index('names', frontier, generation), prefix .. 'alive:frontiers:' .. frontier)
    local key = prefix .. 'frontiers:' .. frontier
    if call('EXISTS', key) == 1 then
        call('HSET', key, 'edge_count', 0, 'service_count', 0)
        call('HDEL', key, 'generation', 'resync', 'resyncing', 'draining', 'away', 'forwarding', 'service_names')
    end
    lives[frontier] = nil
    tell('change', 'frontier_offline', 'frontier', frontier)
end
