//! A source whose broker and whose receivers are the test itself, in time that stands still.

use super::*;
use crate::{
    DeadLetter, RedisSourceConfig, RequestTemplate, Retry, SourceBackendConfig, SourceBounds, SourceConfig,
    Target,
};
use std::collections::VecDeque;
use std::path::Path;

/// A broker that has numbered messages, and gives those out again that were not acked.
#[derive(Debug, Default)]
struct Broker(Mutex<BrokerState>);

#[derive(Debug, Default)]
struct BrokerState {
    queue: VecDeque<u64>,
    acked: Vec<u64>,
    is_down: bool,
    connects: usize,
    most: usize,
}

impl Broker {
    /// The next ones, at most so many; `None` if it is down.
    fn next(&self, room: usize) -> Option<Vec<u64>> {
        let mut state = self.0.lock();
        state.most = state.most.max(room);
        (!state.is_down).then(|| (0..room).map_while(|_| state.queue.pop_front()).collect())
    }
}

struct TestReader {
    broker: Arc<Broker>,
    held: std::collections::BTreeMap<u64, u64>,
}

impl Reader for TestReader {
    type Session = ();

    async fn connect(&mut self, _: &Intake) -> Result<(), String> {
        let mut state = self.broker.0.lock();
        state.connects += 1;
        if state.is_down { Err("it is down".to_owned()) } else { Ok(()) }
    }

    async fn run(&mut self, (): &mut (), intake: &Intake) -> String {
        loop {
            tokio::select! {
                ended = intake.ended() => {
                    let count = ended.len();
                    let acked = ended.into_iter().filter_map(|(number, _)| self.held.remove(&number));
                    self.broker.0.lock().acked.extend(acked);
                    intake.told(count);
                }
                room = intake.room() => {
                    let Some(next) = self.broker.next(room) else { return "it went down".to_owned() };
                    let records = next.iter().map(|number| record(*number)).collect();
                    self.held.extend(intake.take(records).into_iter().zip(next));
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
        }
    }

    fn lost(&mut self, _: &Intake) {}

    async fn leave(&mut self, (): (), _: &Intake) {
        self.broker.0.lock().queue.extend(std::mem::take(&mut self.held).into_values());
    }
}

/// What came to be delivered, with the way back.
#[derive(Debug)]
struct Receiver {
    source: SourceHandle,
    got: Mutex<Vec<Delivery>>,
}

impl Receive for Receiver {
    fn deliver(&self, deliveries: Vec<Delivery>) {
        self.got.lock().extend(deliveries);
    }
}

impl Receiver {
    /// Waits until so many are there, and takes them.
    async fn take(&self, count: usize) -> Vec<Delivery> {
        for _ in 0..100_000 {
            {
                let mut got = self.got.lock();
                if got.len() >= count {
                    return std::mem::take(&mut *got);
                }
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        panic!("{:?} came, and not {count}", self.got.lock());
    }
}

fn record(number: u64) -> Record {
    Record {
        origin: "s".into(),
        place: number.to_string().into(),
        key: (!number.is_multiple_of(10)).then(|| (number % 10).to_string().into()),
        headers: Vec::new(),
        custom: Bytes::new(),
        payload: number.to_string().into(),
        is_redelivered: false,
    }
}

fn config(dead_letter: DeadLetter) -> SourceConfig {
    let ms = Duration::from_millis;
    let redis = RedisSourceConfig {
        addrs: Vec::new(),
        credentials: crate::Credentials::default(),
        db: 0,
        tls: None,
        streams: Vec::new(),
        group: "g".to_owned(),
        consumer: None,
        from_beginning: true,
        claim_after: ms(1000),
        payload: None,
        id_field: None,
    };
    SourceConfig {
        name: "test".into(),
        target: Target::Service {
            from: None,
            request: RequestTemplate { is_call: false, name: RecordTemplate::origin() },
        },
        key: Some(RecordTemplate::key()),
        bounds: SourceBounds {
            messages: 8,
            bytes: 1 << 20,
            waiting: 0,
            waiting_bytes: 0,
            timeout: ms(1000),
            silence: ms(1000),
            connect_timeout: ms(1000),
            max_backoff: ms(1000),
        },
        retry: Retry { attempts: 2, first: ms(100), max: ms(1000), wait: None },
        dead_letter,
        backend: SourceBackendConfig::RedisStreams(redis),
        secrets: 0,
    }
}

fn start(
    config: &SourceConfig,
    numbers: impl IntoIterator<Item = u64>,
) -> (Source, Arc<Broker>, Arc<Receiver>) {
    let broker = Arc::new(Broker::default());
    broker.0.lock().queue.extend(numbers);
    let intake = Arc::new(Intake::new(config));
    let receiver = Arc::new(Receiver { source: SourceHandle(intake.clone()), got: Mutex::new(Vec::new()) });
    let reader = TestReader { broker: broker.clone(), held: std::collections::BTreeMap::new() };
    (Source::of(intake, reader, receiver.clone()), broker, receiver)
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..100_000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("{what}: never");
}

fn texts(deliveries: &[Delivery]) -> Vec<String> {
    deliveries.iter().map(|it| String::from_utf8_lossy(&it.payload).into_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn the_broker_hears_what_was_acked_and_no_more_is_read_than_may_be_held() {
    let (source, broker, receiver) = start(&config(DeadLetter::Drop), 1..=20);
    let first = receiver.take(8).await;
    assert_eq!(texts(&first), ["1", "2", "3", "4", "5", "6", "7", "8"]);
    until("it is paused", || broker.0.lock().queue.len() == 12).await;
    assert_eq!((source.status().held, broker.0.lock().acked.len()), (8, 0));
    for delivery in &first {
        receiver.source.answered(delivery.number, Answer::Done);
    }
    until("they are acked", || broker.0.lock().acked.len() == 8).await;
    // 11 and 1 are of one key; 9 and the tens are of none or of their own.
    let second = receiver.take(8).await;
    assert_eq!(texts(&second), ["9", "10", "11", "12", "13", "14", "15", "16"]);
    assert_eq!(source.metrics().count(SourceCount::Delivered), 8);
    assert!(broker.0.lock().most <= 8);
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_goes_to_the_file_and_is_acked_and_its_key_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dead");
    let (source, broker, receiver) = start(&config(DeadLetter::File(path.clone(), 1 << 20)), [1, 11, 21]);
    let [delivery] = &receiver.take(1).await[..] else { panic!("one of the key") };
    receiver.source.answered(delivery.number, Answer::Refused("no".to_owned()));
    let [delivery] = &receiver.take(1).await[..] else { panic!("one of the key") };
    assert_eq!(&delivery.payload[..], b"11");
    for _ in 0..2 {
        receiver.source.answered(delivery.number, Answer::Failed("later".to_owned()));
        receiver.take(1).await;
    }
    until("both are acked", || broker.0.lock().acked == [1, 11]).await;
    let text = std::fs::read_to_string(&path).unwrap();
    let reasons: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["reason"].clone())
        .collect();
    assert_eq!(reasons, ["no", "later"]);
    let count = |of| source.metrics().count(of);
    assert_eq!((count(SourceCount::DeadLettered), count(SourceCount::Failed)), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn dead_letters_that_can_t_be_written_are_kept_until_they_can() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("later").join("dead");
    let (source, broker, receiver) = start(&config(DeadLetter::File(path.clone(), 1 << 20)), [1]);
    let [delivery] = &receiver.take(1).await[..] else { panic!("one") };
    receiver.source.answered(delivery.number, Answer::Refused("no".to_owned()));
    until("it says so", || source.status().dead_letters_wait.is_some()).await;
    assert_eq!((source.status().held, broker.0.lock().acked.len()), (1, 0));
    std::fs::create_dir(Path::new(&path).parent().unwrap()).unwrap();
    until("it is written", || broker.0.lock().acked == [1]).await;
    assert_eq!(source.status().dead_letters_wait, None);
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_is_down_is_tried_again_and_what_is_held_goes_on() {
    let (source, broker, receiver) = start(&config(DeadLetter::Drop), [1, 2]);
    let both = receiver.take(2).await;
    broker.0.lock().is_down = true;
    until("it is away", || source.status().away.is_some()).await;
    for delivery in &both {
        receiver.source.answered(delivery.number, Answer::Done);
    }
    until("it is tried again", || broker.0.lock().connects > 3).await;
    assert!(broker.0.lock().acked.is_empty());
    broker.0.lock().is_down = false;
    until("it is told", || broker.0.lock().acked.len() == 2).await;
    assert_eq!(source.metrics().count(SourceCount::Losses), 1);
}

#[tokio::test(start_paused = true)]
async fn closing_waits_for_who_has_a_message_and_gives_the_rest_back() {
    let (source, broker, receiver) = start(&config(DeadLetter::Drop), [1, 11, 2]);
    let both = receiver.take(2).await;
    let closing = tokio::spawn(async move { source.close(Duration::from_secs(5)).await });
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!closing.is_finished());
    for delivery in &both {
        receiver.source.answered(delivery.number, Answer::Done);
    }
    assert_eq!(closing.await.unwrap(), 1, "what was behind is not delivered");
    let state = broker.0.lock();
    assert_eq!(
        (&state.acked[..], &state.queue.iter().copied().collect::<Vec<_>>()[..]),
        (&[1, 2][..], &[11][..])
    );
}

#[tokio::test(start_paused = true)]
async fn closing_waits_no_longer_than_it_may() {
    let (source, broker, receiver) = start(&config(DeadLetter::Drop), [1]);
    receiver.take(1).await;
    let begun = Instant::now();
    assert_eq!(source.close(Duration::from_secs(5)).await, 1);
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
    assert_eq!(broker.0.lock().queue.len(), 1, "it is given back");
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_one_that_is_away_keeps_nothing_from_others() {
    let mut config = config(DeadLetter::Drop);
    (config.bounds.waiting, config.bounds.waiting_bytes) = (20, 1 << 20);
    // Twenty-four of one key, and one of another one behind them.
    let numbers = (0..24).map(|number| 10 * number + 1).chain([2]);
    let (source, broker, receiver) = start(&config, numbers);
    let [delivery] = &receiver.take(1).await[..] else { panic!("one of the key") };
    receiver.source.answered(delivery.number, Answer::Absent("away".to_owned()));
    let mut coming = Vec::new();
    // The first one is tried again meanwhile.
    while !coming.contains(&"2".to_owned()) {
        let deliveries = receiver.take(1).await;
        for delivery in deliveries.iter().filter(|it| &it.payload[..] == b"1") {
            receiver.source.answered(delivery.number, Answer::Absent("away".to_owned()));
        }
        coming.extend(texts(&deliveries));
    }
    assert_eq!((source.status().held, broker.0.lock().queue.len()), (25, 0));
}

#[tokio::test(start_paused = true)]
async fn what_waits_has_places_of_its_own_and_beyond_these_those_of_the_others() {
    let mut config = config(DeadLetter::Drop);
    (config.bounds.waiting, config.bounds.waiting_bytes) = (20, 1 << 20);
    let (source, broker, _receiver) = start(&config, (0..100).map(|number| 10 * number + 1));
    until("all places are taken", || source.status().held == 28).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!((source.status().held, source.status().waiting, broker.0.lock().queue.len()), (28, 27, 72));
}

#[tokio::test(start_paused = true)]
async fn no_more_are_on_their_way_than_may_be_whatever_waits() {
    let mut config = config(DeadLetter::Drop);
    (config.bounds.waiting, config.bounds.waiting_bytes) = (20, 1 << 20);
    // None of them has a key.
    let (_source, _broker, receiver) = start(&config, (1..=40).map(|number| 10 * number));
    for _ in 0..3 {
        for delivery in receiver.take(8).await {
            receiver.source.answered(delivery.number, Answer::Absent("no room".to_owned()));
        }
    }
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(receiver.take(8).await.len(), 8);
}

#[cfg(any(feature = "amqp", feature = "mqtt"))]
#[tokio::test(start_paused = true)]
async fn a_broker_that_was_told_one_number_for_all_is_read_up_to_that_whatever_waits() {
    let mut config = config(DeadLetter::Drop);
    (config.bounds.messages, config.bounds.waiting, config.bounds.waiting_bytes) = (4, 6, 1 << 20);
    let intake = Intake::new(&config);
    intake.take((1..=4).map(record).collect());
    assert_eq!((intake.room_now(), intake.room_of_all()), (0, 6), "none of them waits");
    intake.take((5..=10).map(record).collect());
    assert_eq!((intake.room_of_all(), intake.bounds().most()), (0, 10));
    let sent = intake.send(usize::MAX);
    assert_eq!(sent.len(), 4, "no more are on their way");
    intake.answered(sent[0].0, Answer::Done);
    tokio::time::timeout(Duration::from_secs(1), intake.has_room_of_all())
        .await
        .expect("there is room for one");
    assert_eq!(intake.room_of_all(), 1);
}
