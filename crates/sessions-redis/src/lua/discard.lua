-- Drops requests from ARGV[6] on, the last ones first, and up to ARGV[7] of them. Says whether there are more.

local done = begin()
if done then
    return done
end
local from, stop = tonumber(ARGV[6]), number(client, 'end')
local start = math.max(from, stop - tonumber(ARGV[7]))
for at = start, stop - 1 do
    call('HDEL', requests(client), digits(at))
end
if start < stop then
    set(client, 'end', start)
    set(client, 'low', math.min(number(client, 'low'), start))
    -- A commit that was not confirmed, and that its client has given up.
    if number(client, 'before') > start then
        call('HSET', row(client), 'before', digits(start), 'received', '0', 'ended', '0')
    end
end
return { 'ok', start > from and '1' or '0' }
