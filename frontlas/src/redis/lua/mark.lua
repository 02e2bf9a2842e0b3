-- Notes something about the frontier. ARGV: 6 'draining' or 'away'

if not leased() then
    return { 'lost' }
end
if call('HGET', own, ARGV[6]) ~= '1' then
    call('HSET', own, ARGV[6], 1)
    if ARGV[6] == 'draining' then
        local it = call('HMGET', own, 'advertised_sb_addr', 'advertised_eb_addr')
        tell('change', 'frontier_draining', 'frontier', frontier, 'sb', it[1] or '', 'eb', it[2] or '')
    end
end
return { 'ok' }
