//! What goes to disk and when, and in which order it comes to the broker; other topics wait for nothing.

use super::*;

#[tokio::test]
async fn what_comes_while_the_broker_is_away_is_acked_and_goes_there_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&folder);
    let world = World::start(&config);
    // More than memory holds.
    for token in 0..200 {
        world.send(["a", "b"][usize::try_from(token % 2).unwrap()], token).unwrap();
        until("it is acked", || world.ends.0.lock().len() as u64 == token + 1).await;
    }
    world.acked(0..200).await;
    let status = world.spool.status();
    assert!(status.messages == 200 && status.bytes > 200 * 50 && status.oldest.is_some(), "{status:?}");
    world.pending.connected();
    let had = world.confirmed(200).await;
    for (topic, rest) in [("a", 0), ("b", 1)] {
        let of_topic: Vec<&String> = had.iter().filter(|text| text.starts_with(topic)).collect();
        let expected: Vec<String> = (0..100).map(|it| format!("{topic} {}", 2 * it + rest)).collect();
        assert_eq!(of_topic, expected.iter().collect::<Vec<_>>());
    }
    world.is_empty().await;
    until("its files are gone", || files(&config).into_iter().eq(["lock".to_owned()])).await;
    assert_eq!((world.count(SpoolCount::Spooled), world.count(SpoolCount::Drained)), (200, 200));
    // From here on nothing is written.
    world.send("a", 200).unwrap();
    assert_eq!(world.confirmed(1).await, ["a 200"]);
    world.acked(200..201).await;
    assert_eq!(world.count(SpoolCount::Spooled), 200);
    world.end().await;
}

#[tokio::test]
async fn what_was_at_a_lost_broker_goes_before_what_came_later() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(&config(&folder));
    world.pending.connected();
    (0..4).for_each(|token| world.send("a", token).unwrap());
    let taken = world.taken().await;
    world.pending.answer([(taken[0].0, Ok(()))]);
    (4..6).for_each(|token| world.send("a", token).unwrap());
    // Three that the broker may have, and two that it has not.
    world.pending.lost("gone", true);
    (6..8).for_each(|token| world.send("a", token).unwrap());
    world.acked(0..8).await;
    world.pending.connected();
    (8..10).for_each(|token| world.send("a", token).unwrap());
    assert_eq!(world.confirmed(9).await, texts("a", 1..10));
    world.acked(8..10).await;
    world.is_empty().await;
    world.end().await;
}

#[tokio::test]
async fn a_broker_that_is_slow_is_waited_for_so_long_and_its_late_confirm_counts() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(&SpoolConfig { after: Duration::from_millis(50), ..config(&folder) });
    world.pending.connected();
    (0..3).for_each(|token| world.send("a", token).unwrap());
    let taken = world.taken().await;
    world.acked(0..3).await;
    assert_eq!(world.spool.status().messages, 3);
    world.confirm(&taken);
    world.is_empty().await;
    // Nothing is sent again.
    world.send("a", 3).unwrap();
    assert_eq!(world.confirmed(1).await, ["a 3"]);
    world.end().await;
}

#[tokio::test]
async fn a_topic_that_is_refused_for_now_waits_and_no_other_does() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(&config(&folder));
    world.pending.connected();
    (0..2).for_each(|token| world.send("full", token).unwrap());
    world.refuse(&world.taken().await, Cause::Busy);
    world.acked(0..2).await;
    world.send("full", 2).unwrap();
    world.acked(2..3).await;
    let (mut refusals, mut full) = (0, Vec::new());
    for token in 10..40 {
        world.send("free", token).unwrap();
        // The other one is tried again and again, with all that waits there, in its order.
        loop {
            let taken = world.taken().await;
            let (free, more): (Vec<_>, Vec<_>) =
                taken.into_iter().partition(|(_, text)| text.starts_with("free"));
            full.extend(more);
            if full.len() == 3 {
                assert!(full.iter().map(|(_, text)| text).eq(&texts("full", 0..3)));
                world.refuse(&std::mem::take(&mut full), Cause::Busy);
                refusals += 1;
            }
            if !world.confirm(&free).is_empty() {
                break;
            }
        }
    }
    world.acked(10..40).await;
    assert!(refusals < 1000, "there are pauses");
    let mut had = world.confirm(&full);
    had.extend(world.confirmed(3 - full.len()).await);
    assert_eq!(had, texts("full", 0..3));
    world.is_empty().await;
    assert_eq!(world.count(SpoolCount::Spooled), 3, "the other topic never went to disk");
    world.end().await;
}

#[tokio::test]
async fn what_has_not_left_does_not_overtake_what_was_refused_or_not_answered() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(&config(&folder));
    world.pending.connected();
    (0..6).for_each(|token| world.send("a", token).unwrap());
    // The broker takes two at a time.
    let taken = |taken: Vec<(u64, Arc<Message>)>| {
        taken.into_iter().map(|(number, _)| (number, String::new())).collect::<Vec<_>>()
    };
    let two = taken(world.pending.take(2, usize::MAX).await);
    world.refuse(&two, Cause::Busy);
    world.acked(0..6).await;
    let two = taken(world.pending.take(2, usize::MAX).await);
    // It answers nothing; and those that wait for it wait on.
    let numbers: Vec<u64> = two.iter().map(|(number, _)| *number).collect();
    world.pending.expire(Instant::now() + BOUNDS.timeout);
    assert_eq!(world.pending.status().in_flight, 0);
    let all = world.take(6).await;
    assert!(all.iter().all(|(number, _)| !numbers.contains(number)));
    assert_eq!(world.confirm(&all), texts("a", 0..6));
    world.is_empty().await;
    world.end().await;
}
