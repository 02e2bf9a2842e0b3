//! The Lua scripts. Each runs atomically, looks at a bounded number of keys, and is repeatable.

use crate::model::{MAX_SERVICE_NAMES, MAX_SERVICE_NAMES_SIZE};
use frontier_redis::Script;

/// All of them.
pub(super) struct Scripts {
    pub(super) join: Script,
    pub(super) report: Script,
    pub(super) refresh: Script,
    pub(super) refreshed: Script,
    pub(super) resync_begin: Script,
    pub(super) resync_end: Script,
    pub(super) mark: Script,
    pub(super) leave: Script,
    pub(super) probe: Script,
    pub(super) sweep: Script,
    pub(super) frontiers: Script,
    pub(super) frontiers_by_id: Script,
    pub(super) frontiers_by_edge: Script,
    pub(super) records: Script,
    pub(super) page: Script,
    pub(super) last_incarnation: Script,
    pub(super) time: Script,
    pub(super) position: Script,
    pub(super) changes: Script,
}

impl Scripts {
    pub(super) fn new() -> Self {
        let common = include_str!("lua/common.lua");
        let write = include_str!("lua/write.lua");
        let lease = include_str!("lua/lease.lua");
        let run = include_str!("lua/run.lua");
        let reading = |text| Script::new(&[common, text], false);
        let bounds =
            format!("local MAX_NAMES, MAX_NAMES_SIZE = {MAX_SERVICE_NAMES}, {MAX_SERVICE_NAMES_SIZE}\n");
        let writing = |text| Script::new(&[common, &bounds, write, text], true);
        let leased = |text| Script::new(&[common, &bounds, write, lease, text], true);
        let history = |text, writes| Script::new(&[common, run, text], writes);
        Self {
            join: writing(include_str!("lua/join.lua")),
            report: leased(include_str!("lua/report.lua")),
            refresh: leased(include_str!("lua/refresh.lua")),
            refreshed: leased(include_str!("lua/refreshed.lua")),
            resync_begin: leased(include_str!("lua/resync_begin.lua")),
            resync_end: leased(include_str!("lua/resync_end.lua")),
            mark: leased(include_str!("lua/mark.lua")),
            leave: leased(include_str!("lua/leave.lua")),
            probe: Script::new(&[common, include_str!("lua/probe.lua")], true),
            sweep: writing(include_str!("lua/sweep.lua")),
            frontiers: reading(include_str!("lua/frontiers.lua")),
            frontiers_by_id: reading(include_str!("lua/frontiers_by_id.lua")),
            frontiers_by_edge: reading(include_str!("lua/frontiers_by_edge.lua")),
            records: reading(include_str!("lua/records.lua")),
            page: reading(include_str!("lua/page.lua")),
            last_incarnation: reading(include_str!("lua/last_incarnation.lua")),
            time: reading(include_str!("lua/time.lua")),
            position: history(include_str!("lua/position.lua"), true),
            changes: history(include_str!("lua/changes.lua"), false),
        }
    }
}
