//! The contract for each kind of directory. Memory and a single Redis run its tests one by one; those that
//! take long to start run them all in one.

use crate::world::{Kind, World};
use crate::{
    bounds, claims, concurrent, expiry, frontiers, history, marks, moves, names, paging, random, resync,
};

macro_rules! contract {
    ($($module:ident::$test:ident,)*) => {
        mod memory {
            use super::*;
            $(#[tokio::test]
            async fn $test() {
                $module::$test(World::start(Kind::Memory)).await;
            })*
        }

        mod standalone {
            use super::*;
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                $module::$test(World::start(Kind::Standalone)).await;
            })*
        }

        async fn all(kind: Kind) {
            let mut world = World::start(kind);
            $(
                eprintln!("{}", stringify!($test));
                world = world.anew();
                $module::$test(world.clone()).await;
            )*
            drop(world);
        }
    };
}

contract! {
    frontiers::it_is_found_from_its_join_to_its_leave,
    frontiers::a_second_process_takes_over_at_once,
    frontiers::the_first_process_is_replaced_and_can_do_no_harm,
    frontiers::joining_again_keeps_what_is_there,
    frontiers::an_older_session_is_refused,
    frontiers::what_is_not_valid_is_refused,
    bounds::what_is_beyond_the_bound_is_left_out_alone,
    bounds::a_snapshot_has_the_whole_bound_for_itself,
    bounds::the_last_incarnation_is_known_until_the_store_is_emptied,
    marks::one_that_drains_is_there_until_it_goes,
    marks::a_later_process_does_not_drain,
    marks::one_that_comes_again_is_not_away_but_still_drains,
    marks::only_who_holds_the_lease_may_mark,
    claims::who_comes_back_does_not_displace_who_came_since,
    claims::the_order_of_reports_does_not_decide_who_holds_an_id,
    claims::stronger_credentials_displace_and_weaker_do_not,
    claims::a_service_displaces_those_of_its_name,
    moves::an_edge_is_found_where_it_is,
    moves::a_service_is_found_where_it_is,
    moves::a_late_offline_of_the_old_frontier_changes_nothing,
    moves::a_late_online_of_the_old_frontier_is_superseded,
    moves::a_late_online_after_the_edge_left_elsewhere_is_superseded,
    moves::repeated_events_change_nothing,
    moves::an_event_delayed_past_its_end_changes_nothing,
    moves::at_equal_stamps_the_greater_frontier_has_it,
    moves::a_stamp_from_the_future_does_not_hold_an_edge,
    moves::a_text_too_long_is_refused_alone,
    moves::ids_and_texts_of_all_kinds_come_back_as_they_were,
    moves::a_thousand_events_in_one_batch,
    names::each_name_is_told_while_a_service_has_it,
    names::a_name_goes_where_its_service_goes,
    names::a_snapshot_has_the_names_that_count,
    names::so_many_are_told,
    expiry::a_silent_frontier_is_in_no_answer,
    expiry::refreshed_it_stays_with_all_that_is_on_it,
    expiry::an_edge_of_a_dead_frontier_is_at_once_taken_elsewhere,
    expiry::after_a_lapse_nothing_comes_back_by_itself,
    expiry::a_lapse_is_told_once_by_many_replicas,
    resync::a_snapshot_replaces_what_was_there,
    resync::only_the_difference_is_told,
    resync::what_is_reported_meanwhile_counts,
    resync::a_chunk_needs_a_beginning,
    resync::everything_comes_back_after_the_store_was_emptied,
    paging::pages_have_each_once_in_order,
    paging::what_stays_is_on_one_page_while_others_change,
    paging::the_greatest_id_is_on_the_last_page,
    history::changes_are_numbered_and_complete,
    history::an_old_position_is_gone,
    history::an_emptied_store_begins_another_history,
    random::a_random_history_is_as_its_model,
    concurrent::replicas_at_once_end_with_the_latest_connections,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cluster() {
    all(Kind::Cluster).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sentinel() {
    all(Kind::Sentinel).await;
}
