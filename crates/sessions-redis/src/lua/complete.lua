-- ARGV[6] and so on, in fours: the place of a request, that of its response, whether that is a fault, and the response.

local done = begin()
if done then
    return done
end
local failed, after = 0, 0
for at = 6, #ARGV, 4 do
    -- Else it was completed before, or its client was purged.
    if call('HDEL', requests(client), ARGV[at]) == 1 then
        call('HSET', responses(client), ARGV[at + 1], ARGV[at + 3])
        failed = failed + tonumber(ARGV[at + 2])
        after = math.max(after, tonumber(ARGV[at + 1]) + 1)
    end
end
if after > 0 then
    call('HINCRBY', row(client), 'failed', failed)
    set(client, 'next', math.max(number(client, 'next'), after))
    -- Below `low` there are no requests any more, so nobody looks for any.
    local low, stop, steps = number(client, 'low'), number(client, 'end'), 0
    while low < stop and steps < 5000 and call('HEXISTS', requests(client), digits(low)) == 0 do
        low, steps = low + 1, steps + 1
    end
    set(client, 'low', low)
end
return { 'ok' }
