-- ARGV[6] is the first place, ARGV[7] how many there are, ARGV[8] to ARGV[11] the commit, if there is one, and the rest are the
-- requests. What may be there from a time when this was not answered was dropped before.

local done = begin()
if done then
    return done
end
local first, count = tonumber(ARGV[6]), tonumber(ARGV[7])
call('SADD', prefix .. 'clients', client)
for at = 0, count - 1, 500 do
    local items = {}
    for index = at, math.min(at + 499, count - 1) do
        table.insert(items, digits(first + index))
        table.insert(items, ARGV[12 + index])
    end
    call('HSET', requests(client), unpack(items))
end
set(client, 'end', math.max(number(client, 'end'), first + count))
if ARGV[8] ~= '' then
    commit(ARGV[8], ARGV[9], ARGV[10], ARGV[11])
end
return { 'ok' }
