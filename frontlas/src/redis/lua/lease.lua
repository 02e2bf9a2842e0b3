-- What the scripts share that act under a lease: ARGV[3] to ARGV[5] are the frontier, the session and the
-- revision that the lease knows.

local frontier, session = ARGV[3], ARGV[4]
local own = prefix .. 'frontiers:' .. frontier

-- The generation, or nil if the lease is lost: another session came, the frontier has lapsed, or the store
-- knows less than it once confirmed.
local function leased()
    local it = call('HMGET', own, 'session', 'revision')
    if it[1] == session and tonumber(it[2] or 0) >= tonumber(ARGV[5]) then
        return life(frontier)
    end
    return nil
end

local function seen(kind)
    return prefix .. 'resync:' .. kind .. ':' .. frontier .. ':' .. session
end
