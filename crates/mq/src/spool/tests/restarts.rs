//! What is there after another start.

use super::*;

#[tokio::test]
async fn another_start_goes_on_where_the_last_one_ended() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&folder);
    let world = World::start(&config);
    (0..20).for_each(|token| world.send("a", token).unwrap());
    world.acked(0..20).await;
    assert!(matches!(OpenSpool::open("test", &config), Err(SpoolError::InUse(_))));
    world.pending.connected();
    let taken = world.take(20).await;
    world.confirm(&taken[..5]);
    // The end of a gateway: what is at the broker, and what has just come, is kept.
    world.send("a", 20).unwrap();
    world.spool.close();
    assert_eq!(world.send("a", 99), Err(Cause::Closing));
    world.end().await;
    let world = World::start(&config);
    assert_eq!(world.spool.status().messages, 16);
    world.send("a", 21).unwrap();
    world.acked(21..22).await;
    world.pending.connected();
    assert_eq!(world.confirmed(17).await, texts("a", 5..22));
    world.is_empty().await;
    world.end().await;
}

#[tokio::test]
async fn an_id_stays_with_its_message_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&folder);
    let ids = async |world: &World| {
        let mut ids = Vec::new();
        while ids.len() < 2 {
            let taken =
                tokio::time::timeout(DEADLINE, world.pending.take(usize::MAX, usize::MAX)).await.unwrap();
            ids.extend(taken.into_iter().map(|(_, message)| message.id.unwrap()));
        }
        ids
    };
    let world = World::start(&config);
    world.pending.connected();
    (0..2).for_each(|token| world.send("a", token).unwrap());
    let first = ids(&world).await;
    assert_ne!(first[0], first[1]);
    world.end().await;
    let world = World::start(&config);
    world.pending.connected();
    assert_eq!(ids(&world).await, first);
    world.end().await;
}
