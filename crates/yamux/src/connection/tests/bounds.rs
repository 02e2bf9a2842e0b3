//! What a connection holds at most, and what comes after it: the table of docs/bounds.md.

use super::*;

#[test]
fn a_stream_queues_64_kib_and_then_its_writer_waits() {
    let mut pair = Pair::new(config());
    let stream = pair.open(b"");
    let mut queued = 0;
    while let Write::Some(n) = pair.client.write(stream, &[1; 10_000], Vec::new) {
        queued += n;
    }
    assert!((63 * 1024..=64 * 1024).contains(&queued), "{queued}");
    pair.client.wait_writable(stream, 5);
    pair.client.take_woken();
    pair.settle();
    assert_eq!(pair.client.take_woken(), [5]);
    assert!(matches!(pair.client.write(stream, b"x", Vec::new), Write::Some(1)));
}

#[test]
fn what_is_owed_to_a_peer_that_takes_nothing_stays_small_however_much_it_asks() {
    let mut it = server();
    let count = 100;
    for stream in (1..2 * count).step_by(2) {
        receive(&mut it, &[Header::window_update(Flags::SYN, stream, 0)]).unwrap();
    }
    while it.accept(start).is_some() {}
    for round in 0..500 {
        receive(&mut it, &[Header::ping(Flags::SYN, round)]).unwrap();
        for stream in (1..2 * count).step_by(2) {
            let bytes = [&Header::data(Flags::NONE, stream, 2_000).encode()[..], &[0; 2_000]].concat();
            it.receive(&bytes, start()).unwrap();
            while let Read::Some(_) = it.read(stream, start) {}
        }
        // It may send no more than it was told, which it is in the end.
        if round % 100 == 99 {
            let owed = fetch(&mut it);
            // An answer to each ping, and the credit of each stream.
            let most = (100 + usize::try_from(count).unwrap()) * HEADER_LEN;
            assert!(owed.len() <= most, "{} bytes", owed.len());
        }
    }
}

#[test]
fn no_more_goes_out_than_a_slow_path_carries_in_half_a_second() {
    let mut it = server();
    receive(&mut it, &[1, 3].map(|stream| Header::window_update(Flags::SYN, stream, 0))).unwrap();
    while it.accept(start).is_some() {}
    fetch(&mut it);
    assert!(matches!(it.write(3, &[0; 60_000], Vec::new), Write::Some(60_000)));
    let sent = fetch(&mut it).len();
    assert!((1024..=4 * 1024 + 2 * HEADER_LEN).contains(&sent), "{sent} bytes at first");
}
