-- ARGV: 2 'edges' or 'services', then ids. Gives for each its record or nothing.

local kind, found = ARGV[2], {}
for at = 3, #ARGV do
    local it, text = record(kind, ARGV[at])
    found[#found + 1] = it and living(kind, ARGV[at], it) and text or false
end
return found
