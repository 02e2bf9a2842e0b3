-- ARGV[2] is the fence, ARGV[3] the record, ARGV[4] the fence of the leader.

local it = call('HGET', meta, 'fence')
if it == ARGV[2] then
    return 'ok'
elseif it then
    return 'exists'
end
call('HSET', meta, 'fence', ARGV[2], 'op', '0', 'record', ARGV[3], 'leader', ARGV[4])
return 'ok'
