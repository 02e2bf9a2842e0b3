-- ARGV: 2 frontier. Gives the incarnation that was given out last for it, or ''.

return call('HGET', prefix .. 'frontiers:' .. ARGV[2], 'incarnation') or ''
