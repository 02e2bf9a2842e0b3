-- Notes something about the frontier. ARGV: 6 'draining', 'away' or 'forwarding'

if not leased() then
    return { 'lost' }
end
if call('HGET', own, ARGV[6]) ~= '1' then
    call('HSET', own, ARGV[6], 1)
    if ARGV[6] == 'draining' then
        local it = card(frontier)
        tell('change', 'frontier_draining', 'frontier', frontier, 'sb', it[2], 'eb', it[3])
    end
end
return { 'ok' }
