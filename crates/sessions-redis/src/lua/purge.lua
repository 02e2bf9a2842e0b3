local done = begin()
if done then
    return done
end
call('SREM', prefix .. 'clients', client)
call('UNLINK', row(client), requests(client), responses(client))
return { 'ok' }
