-- One chunk of what is on a frontier: takes away what was not seen.
-- ARGV: 6 'edges' or 'services', 7 the member after which to go on, or '', 8 at most so many, 9 meta in ms,
-- 10 the number of the resync, 11 'last' if this ends the resync with its last chunk
-- Gives the revision, and the last member or '' after the last chunk.

local generation = leased()
if not generation or call('HGET', own, 'resyncing') ~= ARGV[10] then
    return { 'lost' }
end
local kind, limit = ARGV[6], tonumber(ARGV[8])
local from = ARGV[7] == '' and '-' or '(' .. ARGV[7]
local key = index(kind, frontier, generation)
local members = call('ZRANGEBYLEX', key, from, '+', 'LIMIT', 0, limit)
local changed = false
for _, member in ipairs(members) do
    local id = unpadded(member)
    if call('SISMEMBER', seen(kind), id) == 0 then
        changed = true
        call('ZREM', key, member)
        local old, text = record(kind, id)
        if old and not old.ended and old.frontier_id == frontier and digits(old.generation) == generation then
            call('DEL', prefix .. 'alive:' .. kind .. ':' .. id)
            call('SET', prefix .. kind .. ':' .. id, text:sub(1, -2) .. ',"ended":true}', 'PX', ARGV[9])
            tell('change', kind .. '_offline', 'id', id, 'frontier', frontier, 'stamp', digits(old.stamp))
        end
    end
end
local next = #members == limit and members[limit] or ''
if next == '' and ARGV[11] == 'last' then
    call('HDEL', own, 'resyncing')
    call('UNLINK', seen('edges'), seen('services'))
    -- Whatever the names were before, those of the snapshot and since are right.
    local names = index('names', frontier, generation)
    if call('EXISTS', seen('names')) == 1 then
        call('RENAME', seen('names'), names)
    else
        call('UNLINK', names)
    end
    rename(frontier)
end
local revision = call('HGET', own, 'revision') or '0'
if changed then
    revision = digits(call('HINCRBY', own, 'revision', 1))
    recount(frontier)
end
return { 'ok', revision, next }
