-- ARGV[2] is what makes the new fence one of its own: two owners never have the same, also where a replica that became the master
-- has not heard of the first one. ARGV[3] is the fence of the leader that asks: none takes a session from a later one.

local it = call('HMGET', meta, 'fence', 'record', 'leader')
if not it[1] then
    return {}
elseif tonumber(it[3] or '0') > tonumber(ARGV[3]) then
    return { 'fenced' }
end
local last, by = string.match(it[1], '^(%d+):(.*)$')
local fence = it[1]
if by ~= ARGV[2] then
    fence = digits(tonumber(last) + 1) .. ':' .. ARGV[2]
end
call('HSET', meta, 'fence', fence, 'op', '0', 'leader', ARGV[3])
local clients = {}
for _, client in ipairs(call('SMEMBERS', prefix .. 'clients')) do
    local fields = call('HMGET', row(client), 'batch', 'received', 'before', 'ended', 'next', 'acknowledged', 'failed', 'end',
        'first')
    for index = 1, 9 do
        fields[index] = fields[index] or '0'
    end
    table.insert(fields, 1, client)
    table.insert(clients, fields)
end
return { fence, it[2], clients }
