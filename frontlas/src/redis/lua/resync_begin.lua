-- From now on everything that is reported online is noted as seen.
-- ARGV: 6 the number of the resync in its session. A late repetition of an earlier one must not begin it anew:
-- what was seen would be forgotten, and taken away.

if not leased() then
    return { 'lost' }
end
local it = call('HMGET', own, 'resync', 'resyncing')
local last = tonumber(it[1] or 0)
if tonumber(ARGV[6]) > last then
    call('UNLINK', seen('edges'), seen('services'), seen('names'))
    call('HSET', own, 'resync', ARGV[6], 'resyncing', ARGV[6])
elseif it[2] ~= ARGV[6] then
    return { 'lost' }
end
return { 'ok' }
