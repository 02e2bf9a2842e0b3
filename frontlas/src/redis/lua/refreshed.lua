-- Everything on the frontier has been refreshed since a moment: now the frontier lives on, counted from that
-- moment. So it lapses before anything that is on it.
-- ARGV: 6 the moment, in microseconds, 7 alive in ms, 8 meta in ms

local generation = leased()
if not generation then
    return { 'lost' }
end
local since = math.floor(tonumber(ARGV[6]) / 1000)
call('PEXPIREAT', prefix .. 'alive:frontiers:' .. frontier, digits(since + tonumber(ARGV[7])))
call('PEXPIREAT', own, digits(since + tonumber(ARGV[8])))
call('PEXPIRE', index('edges', frontier, generation), 10 * ARGV[7])
call('PEXPIRE', index('services', frontier, generation), 10 * ARGV[7])
call('PEXPIRE', index('names', frontier, generation), 10 * ARGV[7])
call('HSET', prefix .. 'index:frontiers', frontier, generation)
return { 'ok' }
