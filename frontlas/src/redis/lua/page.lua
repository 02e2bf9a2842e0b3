-- Records ordered by id, from all living frontiers.
-- ARGV: 2 'edges' or 'services', 3 the least member, 4 at most so many
-- Gives the last member looked at, or '' if there are no more, and pairs of id and record.

local kind, limit = ARGV[2], tonumber(ARGV[4])
local all = call('HKEYS', prefix .. 'index:frontiers')
-- All that is looked at has a bound, however many frontiers there are.
limit = math.min(limit, math.max(10, math.floor(20000 / math.max(1, #all))))
local members = {}
for _, frontier in ipairs(all) do
    local generation = life(frontier)
    if generation then
        local part = call('ZRANGEBYLEX', index(kind, frontier, generation), '[' .. ARGV[3], '+', 'LIMIT', 0, limit)
        for _, member in ipairs(part) do
            members[#members + 1] = member
        end
    end
end
table.sort(members)
local found = {}
for at = 1, math.min(limit, #members) do
    local id = unpadded(members[at])
    local it, text = record(kind, id)
    if it and living(kind, id, it) then
        found[#found + 1] = id
        found[#found + 1] = text
    end
end
return { #members >= limit and members[limit] or '', found }
