-- ARGV: 3 frontier, 4 advertised_sb_addr, 5 advertised_eb_addr, 6 incarnation or '', 7 alive in ms, 8 meta in ms,
-- 9 advertised_sb_url, 10 advertised_eb_url

local frontier, sb, eb = ARGV[3], ARGV[4], ARGV[5]
local key = prefix .. 'frontiers:' .. frontier
local old = call('HMGET', key, 'incarnation', 'session', 'revision', 'advertised_sb_addr', 'advertised_eb_addr',
    'draining')
local given = tonumber(ARGV[6])
if given and old[1] and given < tonumber(old[1]) then
    return { 'replaced' }
end

local session = math.max(now, tonumber(old[2] or 0) + 1)
local incarnation = given or math.max(session, tonumber(old[1] or 0) + 1)
local generation = life(frontier)
local goes_on = generation and given and old[1] == digits(given)
if goes_on then
    local seen = ':' .. frontier .. ':' .. old[2]
    call('UNLINK', prefix .. 'resync:edges' .. seen, prefix .. 'resync:services' .. seen,
        prefix .. 'resync:names' .. seen)
    call('HDEL', key, 'resync', 'resyncing', 'away')
else
    bury(frontier)
    generation = digits(session)
    call('HSET', prefix .. 'index:frontiers', frontier, generation)
    call('HSET', key, 'generation', generation, 'revision', 0, 'edge_count', 0, 'service_count', 0)
    call('SET', prefix .. 'alive:frontiers:' .. frontier, 1, 'PX', ARGV[7])
    call('HDEL', key, 'draining', 'away', 'forwarding', 'service_names')
    call('PEXPIRE', key, ARGV[8])
end
call('HSET', key, 'advertised_sb_addr', sb, 'advertised_eb_addr', eb,
    'advertised_sb_url', ARGV[9], 'advertised_eb_url', ARGV[10],
    'incarnation', digits(incarnation), 'session', digits(session))
if not goes_on or old[4] ~= sb or old[5] ~= eb then
    local change = goes_on and old[6] and 'frontier_draining' or 'frontier_online'
    tell('change', change, 'frontier', frontier, 'sb', ARGV[9], 'eb', ARGV[10])
end
return { 'ok', digits(incarnation), digits(session), goes_on and old[3] or '0', goes_on and '1' or '0' }
