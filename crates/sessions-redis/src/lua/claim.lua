#!lua flags=allow-oom
-- Who leads the brokers: KEYS[1] has it, until a time by the server's clock. ARGV[1] is who asks, ARGV[2] its address, ARGV[3]
-- how long it leads, in ms.

local call = redis.call
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local it = call('HMGET', KEYS[1], 'id', 'address', 'until', 'fence')
local left = tonumber(it[3] or '0') - now
if it[1] and it[1] ~= ARGV[1] and left > 0 then
    return { 'theirs', it[1], it[2], left }
end
-- It grows with each leader, also where the one before was forgotten.
local fence = tonumber(it[4] or '0')
if it[1] ~= ARGV[1] then
    fence = math.max(fence + 1, now)
end
local function digits(number)
    return string.format('%.0f', number)
end
call('HSET', KEYS[1], 'id', ARGV[1], 'address', ARGV[2], 'until', digits(now + ARGV[3]), 'fence', digits(fence))
return { 'ours', digits(fence) }
