-- What all scripts share. KEYS[1] is the session's `meta`, ARGV[1] the beginning of all keys of the session, which are in one
-- slot. Numbers are below 2^53, which a Lua number holds, and are written without an exponent.

local meta, prefix = KEYS[1], ARGV[1]
local call = redis.call

local function digits(number)
    return string.format('%.0f', number)
end

local function row(client)
    return prefix .. 'client:' .. client
end

local function requests(client)
    return prefix .. 'requests:' .. client
end

local function responses(client)
    return prefix .. 'responses:' .. client
end

local function number(client, field)
    return tonumber(call('HGET', row(client), field) or '0')
end

local function set(client, field, value)
    call('HSET', row(client), field, digits(value))
end
