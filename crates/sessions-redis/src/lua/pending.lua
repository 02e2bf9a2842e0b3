-- Of the requests from ARGV[6] on and below ARGV[7], the places and the ids. Gives where to go on, or nothing.

local why = refused()
if why then
    return { why }
end
local at, stop = math.max(tonumber(ARGV[6]), number(client, 'low')), tonumber(ARGV[7])
local looked, size, found = 0, 0, {}
while at < stop and looked < 8192 and size < 16777216 do
    local value = call('HGET', requests(client), digits(at))
    if value then
        table.insert(found, digits(at))
        table.insert(found, string.sub(value, 1, 20))
        size = size + #value
    end
    at, looked = at + 1, looked + 1
end
return { 'ok', at < stop and digits(at) or '', found }
