-- A part of all frontiers. ARGV: 2 cursor, 3 about how many
-- Gives the next cursor and the frontiers that live.

local page = call('HSCAN', prefix .. 'index:frontiers', ARGV[2], 'COUNT', ARGV[3])
local found = {}
for at = 1, #page[2], 2 do
    local it = card(page[2][at])
    if it then
        found[#found + 1] = it
    end
end
return { page[1], found }
