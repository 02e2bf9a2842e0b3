//! The Lua scripts. Each runs atomically, within one slot, and takes a bounded time; what may be long is done in parts.
//!
//! Where the server's memory is full it refuses scripts that bring something new. Those that answer, commit or drop what is there
//! run all the same, so that it can become less.

use frontier_redis::Script;

/// All of them.
#[derive(Debug)]
pub(crate) struct Scripts {
    pub(crate) create: Script,
    pub(crate) acquire: Script,
    pub(crate) append: Script,
    pub(crate) commit: Script,
    pub(crate) discard: Script,
    pub(crate) complete: Script,
    pub(crate) requests: Script,
    pub(crate) responses: Script,
    pub(crate) pending: Script,
    pub(crate) answered: Script,
    pub(crate) acknowledge: Script,
    pub(crate) forget: Script,
    pub(crate) purge: Script,
    pub(crate) delete: Script,
    pub(crate) claim: Script,
    pub(crate) resign: Script,
}

/// What a script is to the server.
const NEW: &str = "#!lua\n";
const GOES_ON: &str = "#!lua flags=allow-oom\n";
const READS: &str = "#!lua flags=no-writes,allow-oom\n";

impl Scripts {
    pub(crate) fn new() -> Self {
        let (common, owner) = (include_str!("lua/common.lua"), include_str!("lua/owner.lua"));
        let owned = |head: &str, text: &str| Script::new(&[head, common, owner, text], head != READS);
        Self {
            create: Script::new(&[NEW, common, include_str!("lua/create.lua")], true),
            acquire: Script::new(&[GOES_ON, common, include_str!("lua/acquire.lua")], true),
            append: owned(NEW, include_str!("lua/append.lua")),
            commit: owned(GOES_ON, include_str!("lua/commit.lua")),
            discard: owned(GOES_ON, include_str!("lua/discard.lua")),
            complete: owned(GOES_ON, include_str!("lua/complete.lua")),
            requests: owned(READS, include_str!("lua/requests.lua")),
            responses: owned(READS, include_str!("lua/responses.lua")),
            pending: owned(READS, include_str!("lua/pending.lua")),
            answered: owned(READS, include_str!("lua/answered.lua")),
            acknowledge: owned(GOES_ON, include_str!("lua/acknowledge.lua")),
            forget: owned(GOES_ON, include_str!("lua/forget.lua")),
            purge: owned(GOES_ON, include_str!("lua/purge.lua")),
            delete: owned(GOES_ON, include_str!("lua/delete.lua")),
            claim: Script::new(&[include_str!("lua/claim.lua")], true),
            resign: Script::new(&[include_str!("lua/resign.lua")], true),
        }
    }
}
