-- One chunk of what is on a frontier lives on.
-- ARGV: 6 'edges' or 'services', 7 the member after which to go on, or '', 8 at most so many, 9 alive in ms,
-- 10 meta in ms
-- Gives the time, the last member or '' after the last chunk, and how many records were missing.

local generation = leased()
if not generation then
    return { 'lost' }
end
local kind, limit = ARGV[6], tonumber(ARGV[8])
local from = ARGV[7] == '' and '-' or '(' .. ARGV[7]
local members = call('ZRANGEBYLEX', index(kind, frontier, generation), from, '+', 'LIMIT', 0, limit)
local records, alive, missing = prefix .. kind .. ':', prefix .. 'alive:' .. kind .. ':', 0
for _, member in ipairs(members) do
    local id = unpadded(member)
    if call('PEXPIRE', records .. id, ARGV[10]) == 1 then
        call('SET', alive .. id, 1, 'PX', ARGV[9])
    else
        missing = missing + 1
    end
end
return { 'ok', digits(clock()), #members == limit and members[limit] or '', digits(missing) }
