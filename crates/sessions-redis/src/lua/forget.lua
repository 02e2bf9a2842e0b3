-- Drops the responses before ARGV[6], up to ARGV[7] of them. Says whether there are more.

local done = begin()
if done then
    return done
end
local first, before = number(client, 'first'), math.min(tonumber(ARGV[6]), number(client, 'next'))
local stop = math.min(before, first + tonumber(ARGV[7]))
for at = first, stop - 1 do
    call('HDEL', responses(client), digits(at))
end
if stop > first then
    set(client, 'first', stop)
end
return { 'ok', stop < before and '1' or '0' }
