-- ARGV: 2 the number after which to begin, 3 at most so many
-- Gives the run, the id of the history, the last number, and changes, which may begin later than asked for.

local it = call('HMGET', prefix .. 'history', 'id', 'number')
local id, number, after = it[1] or '', it[2] or '0', ARGV[2]
local found = {}
if id ~= '' and tonumber(number) > tonumber(after) then
    found = call('XRANGE', prefix .. 'changes', '(' .. id .. '-' .. after, id .. '-18446744073709551615',
        'COUNT', ARGV[3])
end
return { run(), id, number, found }
