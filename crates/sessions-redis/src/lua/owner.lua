-- What the scripts of an owner share: ARGV[2] is its fence, ARGV[3] the number of the operation, and ARGV[4] that of the last
-- one that was confirmed. ARGV[5] is the client.

local fence, operation, confirmed, client = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]

-- Why the owner is none, or nil; and the number of the last operation.
local function refused()
    local it = call('HMGET', meta, 'fence', 'op')
    if it[1] ~= fence then
        return 'fenced'
    end
    local last = tonumber(it[2])
    if last < confirmed then
        return 'lost'
    end
    return nil, last
end

-- The answer, if there is nothing to do: it was done before, or comes too late, behind a later one. It is a write in any case, so
-- that whoever waits for the disk or for replicas waits for what was written before as well.
local function begin()
    local why, last = refused()
    if why then
        return { why }
    end
    call('HSET', meta, 'op', digits(math.max(last, operation)))
    if last >= operation then
        return { 'ok' }
    end
    return nil
end

local function commit(batch, received, before, ended)
    call('HSET', row(client), 'batch', batch, 'received', received, 'before', before, 'ended', ended)
end
