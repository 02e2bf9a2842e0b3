//! Edges and services through the client library against the real gateway, over every network.

#![expect(clippy::unwrap_used, reason = "scenarios are tests, to which the list gives the attribute")]

#[macro_use]
mod networks;

mod balancing;
mod bulk;
mod callers;
mod calls;
mod chaos;
mod connecting;
mod drain;
mod edge_ids;
mod fleet;
mod log_readers;
mod messages;
mod migration;
mod presence;
mod processes;
mod rotation;
mod services;
mod shutdown;
mod streams;
mod take_over;

// A scenario that is not in this list is dead code, which is an error.
over_all_networks! {
    balancing {
        by_edge_id_an_edge_stays_and_a_new_service_takes_only_its_share,
        round_robin_is_even,
        random_uses_everyone,
        by_source_address_edges_of_one_address_share_a_service,
        least_inflight_avoids_a_busy_one,
        a_service_that_drains_is_skipped_and_finishes,
        requests_that_wait_for_a_service_that_dies_go_to_another,
    }
    bulk {
        a_large_stream_to_a_slow_reader_is_whole_and_memory_is_bounded on 2 threads,
        a_reader_that_stalls_stops_its_own_stream_and_nothing_else,
        sixteen_streams_at_once_are_all_whole on 2 threads,
    }
    callers {
        a_call_that_is_dropped_drops_its_handler,
        a_caller_that_is_gone_drops_its_handlers,
        a_call_past_its_deadline_drops_its_handler,
        an_edge_that_closes_in_the_middle_of_a_call_ends_it,
        ten_register_the_same_method_while_ten_call_it on 4 threads,
        a_hundred_methods_are_registered_while_edges_call_them on 4 threads,
        methods_come_and_go_at_run_time,
        names_match_exactly,
    }
    calls {
        an_edge_calls_a_service,
        a_service_calls_an_edge,
        a_method_that_nobody_has_is_not_found_on_either_side,
        an_edge_that_closed_is_not_online,
        ten_edges_call_at_once_and_each_gets_its_own_answer,
        the_callee_knows_the_edge_and_sees_the_users_custom_only,
        calls_work_in_both_directions_as_soon_as_connect_returns,
        the_gateways_own_methods_are_not_for_edges,
        a_handler_that_panics_fails_its_call_and_nothing_else,
        an_error_of_the_handler_keeps_its_number_and_text,
        a_payload_may_be_any_bytes_of_any_length_up_to_the_limit,
        a_payload_of_64_mib_goes_through,
        an_answer_over_the_limit_is_an_error,
        a_deadline_holds_from_end_to_end,
    }
    chaos {
        edges_that_are_cut_off,
        services_that_are_cut_off,
        edges_in_a_blackhole,
        services_in_a_blackhole,
        a_gateway_that_is_killed_and_started_again,
        a_gateway_that_hangs_for_a_while,
        a_short_hang_is_waited_out,
    }
    connecting {
        an_edge_that_connects_has_an_id,
        closing_an_edge_returns_soon,
        the_meta_of_an_edge_reaches_edge_online,
        a_hundred_edges_at_once_have_a_hundred_ids,
        a_service_that_closed_is_gone_at_once,
        a_refusal_is_seen_as_such_and_not_tried_again,
        nobody_there_is_an_error_within_the_connect_timeout,
        connections_that_come_and_go_leave_nothing_behind,
        fifty_edges_come_and_go_at_once on 4 threads,
        an_edge_may_be_closed_by_ten_at_once on 4 threads,
        a_meta_may_be_any_bytes,
        a_cut_connection_is_made_anew_and_keeps_its_id_and_its_registrations,
    }
    drain {
        a_thousand_edges_with_calls_both_ways_go_to_another_gateway_without_a_failed_call on 2 threads,
        a_successor_on_the_same_ports_takes_over_without_a_failed_call on 2 threads
            but not over quic: "the port is free only when the last connection over it has ended",
        where_there_is_nowhere_to_go_calls_are_carried_until_the_grace_is_over,
        nobody_waits_for_idle_edges_that_have_nowhere_to_go,
        it_ends_within_its_grace_and_before_it_would_be_killed_without_a_failed_call on 2 threads,
    }
    edge_ids {
        a_service_gives_out_ids_by_meta,
        a_refusal_and_its_text_reach_the_edge,
        an_edge_that_is_put_off_comes_again_but_not_too_soon,
        whoever_is_put_off_is_told_why_and_for_how_long,
        a_service_that_fails_does_not_make_edges_give_up,
        a_service_that_dies_while_it_is_asked_is_replaced_by_another,
        without_a_service_the_gateway_gives_out_ids_only_if_it_may,
        an_edge_gets_the_id_that_it_asks_for_unless_that_is_switched_off,
        an_id_service_that_never_answers_is_bounded,
    }
    messages {
        an_edge_publishes_to_a_service,
        a_service_publishes_to_an_edge,
        each_service_gets_its_topics_only,
        a_topic_that_nobody_takes_is_not_online,
        ten_edges_publish_at_once_and_ten_messages_come,
        the_sender_hears_what_became_of_a_message,
        messages_that_ask_for_no_ack_arrive_in_order,
        the_topic_star_takes_what_nobody_else_takes,
        topics_come_and_go_at_run_time,
        a_message_to_an_edge_that_is_offline_does_not_spoil_the_next,
        a_payload_may_be_any_bytes_of_any_length,
        a_full_receive_queue_is_an_error_for_its_senders_only,
    }
    presence {
        an_edge_that_comes_and_goes_is_told_once_each,
        an_edge_that_is_cut_off_is_told_as_well,
        an_edge_that_is_silent_is_told_as_gone,
        a_service_may_refuse_an_edge_at_edge_online,
        a_service_that_is_slow_to_hear_delays_only_that_edge,
        under_take_over_the_old_one_is_offline_before_the_new_one_is_online,
        edges_that_were_there_before_the_service_are_told_when_they_go,
        two_services_that_listen_share_the_events,
    }
    processes {
        a_service_that_is_killed,
        a_service_that_hangs,
        an_edge_that_is_killed,
        an_edge_that_hangs,
    }
    services {
        one_of_ten_that_leaves_takes_nothing_with_it,
        services_are_found_by_method_topic_and_name_each_for_itself,
        too_many_names_are_refused_and_the_rest_stays,
        a_service_that_is_cut_off_is_not_routed_to_and_comes_back,
    }
    shutdown {
        what_is_in_flight_finishes_and_every_edge_is_told_as_gone,
        under_load_it_ends_in_time_and_nobody_hangs,
        clients_go_elsewhere_when_their_gateway_stops,
        edges_under_load_go_to_another_gateway_without_a_failed_call,
        whoever_answers_nothing_does_not_keep_it_beyond_its_grace,
    }
    streams {
        an_edge_opens_a_stream_to_a_service,
        a_service_opens_a_stream_to_an_edge,
        messages_go_both_ways_inside_a_stream,
        calls_go_both_ways_inside_a_stream,
        closing_a_stream_twice_is_no_harm,
        a_stream_to_nobody_is_a_prompt_and_typed_error,
        a_service_without_a_name_is_reached_by_no_stream,
        half_of_a_stream_may_end_while_the_other_goes_on,
        a_reset_is_no_good_end,
        the_loss_of_a_peer_resets_its_streams,
        streams_end_with_the_edge_that_closes,
        a_stream_that_is_given_up_half_closed_is_told_to_its_writer,
        an_edge_that_is_late_loses_none_of_many_large_calls on 2 threads,
        a_service_that_is_late_loses_none_of_many_streams on 2 threads,
        a_thousand_streams_each_way_at_the_same_time on 2 threads,
        ten_thousand_streams_on_one_edge_leave_nothing_behind on 2 threads,
    }
    take_over {
        a_second_edge_of_the_same_id_takes_over_and_the_first_is_told,
        calls_to_the_first_fail_when_it_is_taken_over,
        three_at_once_leave_one_and_the_events_pair_up,
        a_predecessor_in_a_blackhole_delays_nobody,
        an_edge_that_reconnects_before_its_loss_is_noticed_stays_online,
        a_second_service_of_the_same_id_keeps_methods_and_topics,
        a_service_in_a_blackhole_is_taken_over_at_once,
    }
}
