-- ARGV: from 2 on, ids. Gives for each its frontier or nothing.

local found = {}
for at = 2, #ARGV do
    found[#found + 1] = card(ARGV[at])
end
return found
