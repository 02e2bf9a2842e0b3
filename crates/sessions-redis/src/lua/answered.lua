-- Of the responses from ARGV[6] on and below ARGV[7], the places, the beginnings, which have the ids, and the lengths. Faults are
-- whole. Gives where to go on, or nothing.

local why = refused()
if why then
    return { why }
end
local at, stop = tonumber(ARGV[6]), tonumber(ARGV[7])
local looked, size, found = 0, 0, {}
while at < stop and looked < 8192 and size < 16777216 do
    local value = call('HGET', responses(client), digits(at))
    if value then
        local is_answer = string.byte(value, 21) == 0
        table.insert(found, digits(at))
        table.insert(found, is_answer and string.sub(value, 1, 25) or value)
        table.insert(found, digits(#value))
        size = size + #value
    end
    at, looked = at + 1, looked + 1
end
return { 'ok', at < stop and digits(at) or '', found }
