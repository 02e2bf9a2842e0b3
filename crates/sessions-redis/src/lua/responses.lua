-- Responses from ARGV[6] on: up to ARGV[7] of them, and no more once they have ARGV[8] bytes.

local why = refused()
if why then
    return { why }
end
local at, stop = math.max(tonumber(ARGV[6]), number(client, 'first')), number(client, 'next')
local most, size, found = tonumber(ARGV[7]), tonumber(ARGV[8]), {}
while at < stop and #found < 2 * most and size > 0 do
    local value = call('HGET', responses(client), digits(at))
    if value then
        table.insert(found, digits(at))
        table.insert(found, value)
        size = size - #value
    end
    at = at + 1
end
return { 'ok', at < stop and digits(at) or '', found }
