//! Whether a broker is there, lets us in, and has what messages go to: looked at once, without sending or making anything.

use crate::text::of_servers;
use crate::{
    AmqpConfig, AmqpProperties, AmqpSourceConfig, BackendConfig, Bounds, Format, KafkaCompression,
    KafkaConfig, KafkaSourceConfig, MqttConfig, MqttSourceConfig, NatsConfig, NatsSourceConfig, NsqConfig,
    NsqSourceConfig, RedisConfig, RedisTarget, SinkConfig, SourceBackendConfig, SourceConfig, Template,
};
use frontier_config::HostPort;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Something that is wrong with a broker now.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Of what.
    pub place: Place,
    /// What, in one line.
    pub text: String,
    /// Whether it works all the same.
    pub is_warning: bool,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The address of this index: nobody answers there, or it does not let us in.
    Addr(usize),
    /// The address of this index of those that say which servers there are.
    Lookup(usize),
    /// What messages go to, or come from.
    Target,
    /// What the broker keeps of who reads.
    Consumer,
}

impl Finding {
    fn fault(place: Place, text: String) -> Self {
        Self { place, text, is_warning: false }
    }
}

/// What a broker is asked for.
#[derive(Clone, Debug)]
struct Question {
    #[cfg_attr(
        not(any(feature = "amqp", feature = "kafka", feature = "mqtt", feature = "nats", feature = "nsq")),
        expect(dead_code, reason = "Redis is not told who asks")
    )]
    name: &'static str,
    bounds: Bounds,
    #[cfg_attr(
        not(any(feature = "amqp", feature = "kafka", feature = "nats", feature = "redis")),
        expect(dead_code, reason = "the others have nothing that could be looked at")
    )]
    topics: Vec<String>,
    /// What is read: streams, queues or topics of the broker, by name.
    #[cfg_attr(
        not(any(feature = "amqp", feature = "kafka", feature = "nats", feature = "redis")),
        expect(dead_code, reason = "the others have nothing that could be looked at")
    )]
    read: Vec<String>,
    backend: BackendConfig,
}

/// Looks at each address of a sink's broker, and by the first that lets us in at what its topics become. It takes the bounds'
/// `connect_timeout` for each of the two at most.
///
/// # Cancel safety
/// Cancel safe: the connections end.
pub async fn probe_sink(config: &SinkConfig) -> Vec<Finding> {
    let SinkConfig { name, topics, bounds, backend } = config.clone();
    probe(Question { name, bounds, topics, read: Vec::new(), backend }).await
}

/// The same for the broker of a source, and what it reads.
///
/// # Cancel safety
/// As [`probe_sink`].
pub async fn probe_source(config: &SourceConfig, bounds: Bounds) -> Vec<Finding> {
    let (backend, read) = match &config.backend {
        SourceBackendConfig::Amqp(server, consumer) => (amqp(server), vec![consumer.queue.clone()]),
        SourceBackendConfig::Kafka(brokers, group) => (kafka(brokers), group.topics.clone()),
        SourceBackendConfig::Mqtt(source) => (mqtt(source), Vec::new()),
        SourceBackendConfig::JetStream(server, consumer) => (nats(server), vec![consumer.stream.clone()]),
        SourceBackendConfig::NatsQueue(server, _) => (nats(server), Vec::new()),
        SourceBackendConfig::Nsq(source) => (nsq(source), Vec::new()),
        SourceBackendConfig::RedisStreams(source) => {
            let target = RedisTarget::Channel {
                channel: Template::topic(),
                format: Format::Payload,
                needs_subscriber: false,
            };
            let redis = RedisConfig {
                addrs: source.addrs.clone(),
                credentials: source.credentials.clone(),
                db: source.db,
                tls: source.tls.clone(),
                target,
            };
            (BackendConfig::Redis(redis), source.streams.clone())
        }
    };
    #[cfg_attr(
        not(any(feature = "nats", feature = "nsq")),
        expect(unused_mut, reason = "the others have nothing else that could be looked at")
    )]
    let mut findings = probe(Question { name: "check", bounds, topics: Vec::new(), read, backend }).await;
    match &config.backend {
        #[cfg(feature = "nsq")]
        SourceBackendConfig::Nsq(source) => {
            let faults = crate::nsq::look_up(source, bounds).await;
            findings
                .extend(faults.into_iter().map(|(index, text)| Finding::fault(Place::Lookup(index), text)));
        }
        #[cfg(feature = "nats")]
        SourceBackendConfig::JetStream(server, consumer)
            if !findings.iter().any(|finding| finding.place == Place::Target) =>
        {
            let looking = crate::nats::look_at_consumer(server, consumer, config.bounds);
            // Where nobody answers that is told already.
            let found = timeout(2 * bounds.connect_timeout, looking).await.unwrap_or_default();
            let place = Place::Consumer;
            findings.extend(found.into_iter().map(|(text, is_warning)| Finding { place, text, is_warning }));
        }
        _ => {}
    }
    findings
}

fn amqp(server: &AmqpSourceConfig) -> BackendConfig {
    let AmqpSourceConfig { addrs, credentials, tls, vhost, frame_size, heartbeat, topology } = server.clone();
    let amqp = AmqpConfig {
        addrs,
        credentials,
        tls,
        vhost,
        frame_size,
        heartbeat,
        exchange: String::new(),
        routing_key: Template::topic(),
        mandatory: true,
        is_persistent: true,
        properties: AmqpProperties::default(),
        topology,
    };
    BackendConfig::Amqp(Box::new(amqp))
}

fn kafka(brokers: &KafkaSourceConfig) -> BackendConfig {
    let KafkaSourceConfig { addrs, credentials, mechanism, tls } = brokers.clone();
    BackendConfig::Kafka(KafkaConfig {
        addrs,
        credentials,
        mechanism,
        tls,
        topic: Template::topic(),
        create_topics: false,
        compression: KafkaCompression::None,
        compression_level: None,
        max_message_size: 1 << 20,
    })
}

fn mqtt(source: &MqttSourceConfig) -> BackendConfig {
    let MqttSourceConfig { addrs, credentials, tls, keep_alive, .. } = source.clone();
    BackendConfig::Mqtt(Box::new(MqttConfig {
        addrs,
        credentials,
        tls,
        client_id: None,
        keep_alive,
        topic: Template::topic(),
        is_retained: false,
        needs_subscriber: false,
        expiry: None,
        content_type: String::new(),
    }))
}

fn nsq(source: &NsqSourceConfig) -> BackendConfig {
    let NsqSourceConfig { addrs, credentials, tls, heartbeat, format, .. } = source.clone();
    let topic = Template::topic();
    let max_message_size = 1 << 20;
    BackendConfig::Nsq(Box::new(NsqConfig {
        addrs,
        credentials,
        tls,
        heartbeat,
        topic,
        format,
        max_message_size,
    }))
}

fn nats(server: &NatsSourceConfig) -> BackendConfig {
    let NatsSourceConfig { addrs, credentials, tls } = server.clone();
    BackendConfig::Nats(NatsConfig { addrs, credentials, tls, subject: Template::topic(), jetstream: None })
}

async fn probe(question: Question) -> Vec<Finding> {
    let mut looking = JoinSet::new();
    for index in 0..question.addrs().len() {
        let question = question.of(index);
        looking.spawn(async move {
            let (connect, all) = (question.bounds.connect_timeout, 2 * question.bounds.connect_timeout);
            let looked = timeout(all, question.look()).await;
            (index, looked.unwrap_or_else(|_| Err(format!("no answer within {connect:?}"))))
        });
    }
    let (mut findings, mut faults) = (Vec::new(), None);
    for (index, looked) in looking.join_all().await {
        match looked {
            Ok(found) => faults = faults.or(Some(found)),
            Err(text) => {
                let text = of_servers(&text, question.addrs().get(index..=index).unwrap_or_default());
                findings.push(Finding::fault(Place::Addr(index), text));
            }
        }
    }
    if faults.is_some() {
        // Of servers that stand in for each other one takes writes.
        findings.retain(|finding| !finding.text.ends_with(IS_REPLICA));
    }
    let targets = faults.into_iter().flatten().map(|text| Finding::fault(Place::Target, text));
    findings.extend(targets);
    findings.sort();
    findings.dedup();
    findings
}

/// How the fault of a replica ends.
pub(crate) const IS_REPLICA: &str = "is a replica, and takes no writes";

impl Question {
    fn addrs(&self) -> &[HostPort] {
        match &self.backend {
            BackendConfig::Amqp(amqp) => &amqp.addrs,
            BackendConfig::Kafka(kafka) => &kafka.addrs,
            BackendConfig::Mqtt(mqtt) => &mqtt.addrs,
            BackendConfig::Nats(nats) => &nats.addrs,
            BackendConfig::Nsq(nsq) => &nsq.addrs,
            BackendConfig::Redis(redis) => &redis.addrs,
        }
    }

    /// The same with one address.
    fn of(&self, index: usize) -> Self {
        let mut question = self.clone();
        let addrs = match &mut question.backend {
            BackendConfig::Amqp(amqp) => &mut amqp.addrs,
            BackendConfig::Kafka(kafka) => &mut kafka.addrs,
            BackendConfig::Mqtt(mqtt) => &mut mqtt.addrs,
            BackendConfig::Nats(nats) => &mut nats.addrs,
            BackendConfig::Nsq(nsq) => &mut nsq.addrs,
            BackendConfig::Redis(redis) => &mut redis.addrs,
        };
        *addrs = addrs.get(index).cloned().into_iter().collect();
        question
    }

    /// What is wrong with its targets; an error where the broker can't be asked.
    async fn look(&self) -> Result<Vec<String>, String> {
        match &self.backend {
            #[cfg(feature = "amqp")]
            BackendConfig::Amqp(amqp) => {
                let names = [&amqp.routing_key.fixed_names(&self.topics)[..], &self.read].concat();
                crate::amqp::look(amqp, self.name, self.bounds, &names).await
            }
            #[cfg(feature = "kafka")]
            BackendConfig::Kafka(kafka) => {
                let names = [&kafka.topic.fixed_names(&self.topics)[..], &self.read].concat();
                crate::kafka::look(kafka, self.name, self.bounds, names).await
            }
            #[cfg(feature = "mqtt")]
            BackendConfig::Mqtt(mqtt) => crate::mqtt::look(mqtt, self.name, self.bounds).await,
            #[cfg(feature = "nats")]
            BackendConfig::Nats(nats) => {
                let subjects = nats.subject.fixed_names(&self.topics);
                crate::nats::look(nats, self.name, self.bounds, &subjects, &self.read).await
            }
            #[cfg(feature = "nsq")]
            BackendConfig::Nsq(nsq) => crate::nsq::look(nsq, self.name, self.bounds).await,
            #[cfg(feature = "redis")]
            BackendConfig::Redis(redis) => crate::redis::look(redis, &self.topics, &self.read).await,
            #[cfg(not(all(
                feature = "amqp",
                feature = "kafka",
                feature = "mqtt",
                feature = "nats",
                feature = "nsq",
                feature = "redis"
            )))]
            _ => Err("this binary was built without this broker".to_owned()),
        }
    }
}
