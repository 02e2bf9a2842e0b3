-- Buries frontiers that live no longer. ARGV: 3 cursor, 4 about how many to look at
-- Gives the next cursor and how many were buried.

local page = call('HSCAN', prefix .. 'index:frontiers', ARGV[3], 'COUNT', ARGV[4])
local gone = 0
for at = 1, #page[2], 2 do
    local frontier, generation = page[2][at], page[2][at + 1]
    if life(frontier) ~= generation and call('HGET', prefix .. 'index:frontiers', frontier) == generation then
        bury(frontier)
        gone = gone + 1
    end
end
return { page[1], digits(gone) }
