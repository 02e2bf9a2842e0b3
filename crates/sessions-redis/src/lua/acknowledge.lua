-- The responses before ARGV[6] were fetched.

local done = begin()
if done then
    return done
end
call('SADD', prefix .. 'clients', client)
set(client, 'acknowledged', math.max(number(client, 'acknowledged'), tonumber(ARGV[6])))
return { 'ok' }
