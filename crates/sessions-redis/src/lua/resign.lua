#!lua flags=allow-oom
-- ARGV[1] leads no more, if it does.

if redis.call('HGET', KEYS[1], 'id') == ARGV[1] then
    redis.call('HSET', KEYS[1], 'until', '0')
end
return 'ok'
