-- ARGV[6] to ARGV[9] are the commit.

local done = begin()
if done then
    return done
end
call('SADD', prefix .. 'clients', client)
commit(ARGV[6], ARGV[7], ARGV[8], ARGV[9])
return { 'ok' }
