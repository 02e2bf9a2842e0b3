local done = begin()
if done then
    return done
end
for _, one in ipairs(call('SMEMBERS', prefix .. 'clients')) do
    call('UNLINK', row(one), requests(one), responses(one))
end
call('UNLINK', prefix .. 'clients', meta)
return { 'ok' }
