-- From now on everything that is reported online is noted as seen.

if not leased() then
    return { 'lost' }
end
call('UNLINK', seen('edges'), seen('services'))
call('HSET', own, 'resync', 1)
return { 'ok' }
