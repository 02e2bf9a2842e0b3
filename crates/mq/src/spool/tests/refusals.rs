//! A spool that is full, and what a broker refuses for good.

use super::*;

#[tokio::test]
async fn a_full_spool_refuses_or_drops_the_oldest() {
    let folder = tempfile::tempdir().unwrap();
    let by_count = SpoolConfig { max_messages: 3, ..config(&folder) };
    let world = World::start(&by_count);
    (0..3).for_each(|token| world.send("a", token).unwrap());
    assert_eq!(world.send("a", 3), Err(Cause::Overloaded));
    world.acked(0..3).await;
    assert_eq!(world.count(SpoolCount::Refused), 1);
    world.pending.connected();
    assert_eq!(world.confirmed(3).await, texts("a", 0..3));
    world.is_empty().await;
    world.end().await;

    let folder = tempfile::tempdir().unwrap();
    let by_size = SpoolConfig { max_size: 1 << 20, when_full: WhenFull::DropOldest, ..config(&folder) };
    let world = World::start(&by_size);
    let payload = Bytes::from(vec![0; 40_000]);
    for token in 0..40 {
        let message = Message {
            edge_id: token,
            job: None,
            topic: "a".into(),
            custom: Bytes::new(),
            labels: Vec::new(),
            payload: payload.clone(),
            id: None,
        };
        world.spool.send(message, Some(token), BOUNDS.timeout).unwrap();
        until("it is acked", || world.ends.0.lock().len() as u64 == token + 1).await;
        let bytes = world.spool.status().bytes;
        assert!(bytes <= 1 << 20, "{bytes}");
    }
    let (left, dropped) = (world.spool.status().messages as u64, world.count(SpoolCount::Dropped));
    assert!(left + dropped == 40 && left > 15, "{left} left, {dropped} dropped");
    world.pending.connected();
    let mut had = Vec::new();
    while (had.len() as u64) < left {
        let taken = tokio::time::timeout(DEADLINE, world.pending.take(usize::MAX, usize::MAX)).await.unwrap();
        world.pending.answer(taken.iter().map(|(number, _)| (*number, Ok(()))));
        had.extend(taken.into_iter().map(|(_, message)| message.edge_id));
    }
    assert_eq!(had, (dropped..40).collect::<Vec<_>>());
    world.end().await;
}

#[tokio::test]
async fn a_refusal_for_good_goes_to_its_sender_or_to_the_dead_letters() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&folder);
    let world = World::start(&config);
    world.pending.connected();
    for (token, cause) in [(0, Cause::TooLarge), (1, Cause::Denied), (2, Cause::NoTarget)] {
        world.send("a", token).unwrap();
        world.refuse(&world.taken().await, cause);
        world.told(&[(token, Some(cause))]).await;
    }
    assert_eq!(world.spool.status().messages, 0);
    world.pending.lost("gone", false);
    (3..6).for_each(|token| world.send("a", token).unwrap());
    world.acked(3..6).await;
    world.pending.connected();
    let taken = world.take(3).await;
    world.refuse(&taken[..1], Cause::TooLarge);
    world.pending.answer([(taken[2].0, Ok(()))]);
    // Nobody takes it: it may be that somebody does later.
    world.refuse(&taken[1..2], Cause::NoTarget);
    let again = world.taken().await;
    assert_eq!(again[0].1, "a 4");
    world.refuse(&again, Cause::NoTarget);
    world.is_empty().await;
    assert_eq!(world.count(SpoolCount::DeadLettered), 2);
    let text = std::fs::read_to_string(config.dead_letters()).unwrap();
    let dead: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((dead[0]["payload"].as_str(), dead[0]["attempts"].as_u64()), (Some("Mw=="), Some(1)));
    assert_eq!((dead[1]["payload"].as_str(), dead[1]["attempts"].as_u64()), (Some("NA=="), Some(2)));
    assert_eq!(
        (&*dead[0]["origin"].to_string(), &*dead[0]["reason"].to_string()),
        ("\"a\"", "\"it says no\"")
    );
    assert_eq!(dead[0]["headers"]["Frontier-Edge-Id"], "1");
    world.end().await;
}

#[tokio::test]
async fn a_message_that_is_over_a_new_bound_holds_up_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&folder);
    let world = World::start(&config);
    let message = Message {
        edge_id: 1,
        job: None,
        topic: "a".into(),
        custom: Bytes::new(),
        labels: Vec::new(),
        payload: Bytes::from(vec![0; 100_000]),
        id: None,
    };
    world.spool.send(message, Some(0), BOUNDS.timeout).unwrap();
    world.send("a", 1).unwrap();
    world.acked(0..2).await;
    world.end().await;
    let world = World::within(OpenSpool::open("test", &config).unwrap(), Bounds { bytes: 50_000, ..BOUNDS });
    world.pending.connected();
    assert_eq!(world.confirmed(1).await, ["a 1"]);
    world.is_empty().await;
    let text = std::fs::read_to_string(config.dead_letters()).unwrap();
    assert!(text.lines().count() == 1 && text.contains("max_inflight_size"), "{}", &text[..300]);
    world.end().await;
}

#[tokio::test]
async fn dead_letters_that_can_not_be_written_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&folder);
    let world = World::start(&config);
    std::fs::create_dir(config.dead_letters()).unwrap();
    world.send("a", 0).unwrap();
    world.acked(0..1).await;
    world.pending.connected();
    world.refuse(&world.taken().await, Cause::Refused);
    until("it is said", || world.spool.status().stuck.is_some()).await;
    assert_eq!((world.spool.status().messages, world.count(SpoolCount::DeadLettered)), (1, 0));
    std::fs::remove_dir(config.dead_letters()).unwrap();
    world.refuse(&world.taken().await, Cause::Refused);
    world.is_empty().await;
    assert!(world.spool.status().stuck.is_none());
    world.end().await;
}

#[tokio::test]
async fn who_is_told_that_it_was_not_sent_in_time_is_told_the_truth() {
    let folder = tempfile::tempdir().unwrap();
    let config = SpoolConfig { max_messages: 1, ..config(&folder) };
    let world = World::start(&config);
    world.ticking.abort();
    world.pending.connected();
    (0..3).for_each(|token| world.send("a", token).unwrap());
    let first = world.pending.take(1, usize::MAX).await;
    // There is room for the first one on disk, which the broker has; the others neither leave nor are written.
    let sent = Instant::now();
    world.spool.tick(sent + BOUNDS.timeout / 2);
    world.acked(0..1).await;
    world.spool.tick(sent + BOUNDS.timeout);
    world.told(&[(1, Some(Cause::Deadline)), (2, Some(Cause::Deadline))]).await;
    assert_eq!(world.pending.status().waiting, 0);
    world.pending.answer([(first[0].0, Ok(()))]);
    world.is_empty().await;
    world.send("a", 3).unwrap();
    assert_eq!(world.confirmed(1).await, ["a 3"]);
    world.acked(3..4).await;
    world.end().await;
}

#[tokio::test]
async fn topics_of_messages_that_ended_by_time_are_not_known_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(&SpoolConfig { max_messages: 1, ..config(&folder) });
    world.ticking.abort();
    world.pending.connected();
    // The broker has one, which is all that there is room for on disk.
    world.send("a", 0).unwrap();
    assert_eq!(world.pending.take(1, usize::MAX).await.len(), 1);
    for round in 0..40 {
        let now = Instant::now();
        for number in 0..50 {
            let token = 1 + 50 * round + number;
            world.send(&format!("t{token}"), token).unwrap();
        }
        world.spool.tick(now + BOUNDS.timeout / 2);
        world.spool.tick(now + 2 * BOUNDS.timeout);
    }
    until("all were told", || world.ends.0.lock().len() == 2001).await;
    let known = world.spool.state.lock().topics.len();
    assert!(known <= 1025, "{known}");
    world.end().await;
}
