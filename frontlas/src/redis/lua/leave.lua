-- The frontier goes, if this is still its session.

if call('HGET', own, 'session') == session then
    call('UNLINK', seen('edges'), seen('services'), seen('names'))
    bury(frontier)
end
return { 'ok' }
