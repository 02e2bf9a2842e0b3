-- ARGV: from 2 on, ids of edges. Gives for each its frontier or nothing.

local found = {}
for at = 2, #ARGV do
    local it = record('edges', ARGV[at])
    found[#found + 1] = it and living('edges', ARGV[at], it) and card(it.frontier_id) or false
end
return found
