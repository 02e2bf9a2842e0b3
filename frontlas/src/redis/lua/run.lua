-- Where the history is, and the run of this server: after a failover, another one has written on.

local function run()
    local info = redis.pcall('INFO', 'server')
    return type(info) == 'string' and string.match(info, 'run_id:(%x+)') or ''
end
