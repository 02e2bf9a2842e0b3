-- Requests from ARGV[6] on: up to ARGV[7] of them, and no more once they have ARGV[8] bytes. Gives where to go on, or nothing.

local why = refused()
if why then
    return { why }
end
local at, stop = math.max(tonumber(ARGV[6]), number(client, 'low')), number(client, 'end')
local most, size, looked, found = tonumber(ARGV[7]), tonumber(ARGV[8]), 0, {}
while at < stop and looked < 8192 and #found < 2 * most and size > 0 do
    local value = call('HGET', requests(client), digits(at))
    if value then
        table.insert(found, digits(at))
        table.insert(found, value)
        size = size - #value
    end
    at, looked = at + 1, looked + 1
end
return { 'ok', at < stop and digits(at) or '', found }
