-- Shows that this server takes writes. ARGV: 2 how long the key stays, in ms

call('SET', prefix .. 'probe', 1, 'PX', ARGV[2])
return 'ok'
