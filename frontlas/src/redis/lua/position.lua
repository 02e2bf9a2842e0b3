-- Gives the run, the id of the history, and the last number.

local key = prefix .. 'history'
local it = call('HMGET', key, 'id', 'number')
if not it[1] then
    it = { digits(clock()), '0' }
    call('HSET', key, 'id', it[1], 'number', it[2])
end
return { run(), it[1], it[2] }
