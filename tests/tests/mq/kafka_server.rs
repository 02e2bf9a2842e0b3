//! Clusters of Kafka (KRaft) on free ports, in directories of their own, killed when dropped.

use crate::python;
use frontier_tests::{Authority, SERVER_NAME, Validity, replace};
use serde_json::Value;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Within this a broker starts, on a machine that is busy.
const DEADLINE: Duration = Duration::from_secs(120);

/// Whom brokers know, by SCRAM and by the password itself.
pub(crate) const USER: &str = "gateway";

/// The password of that user.
pub(crate) const PASSWORD: &str = "secret";

const CLUSTER: &str = "5L6g3nShT-eMCtK--X86sw";

/// Starts within a second or two, and takes little.
const JAVA: [&str; 5] = [
    "-Xmx256m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-Djava.awt.headless=true",
];

/// Brokers of one cluster. The first one is its controller as well.
pub(crate) struct Kafka {
    brokers: Vec<Broker>,
}

struct Broker {
    directory: TempDir,
    ports: Ports,
    /// Where it listens besides, and where whoever comes there is told that it does.
    proxied: Option<(u16, SocketAddr)>,
    process: Option<Child>,
}

#[derive(Clone, Copy, Debug)]
struct Ports {
    plain: u16,
    sasl: u16,
    tls: u16,
    controller: u16,
}

impl Kafka {
    /// Starts so many brokers.
    pub(crate) fn start(count: usize) -> Self {
        // Somebody else may take a free port first.
        for _ in 0..5 {
            if let Some(kafka) = Self::try_start((0..count).map(|_| Broker::new()).collect()) {
                return kafka;
            }
        }
        panic!("Kafka does not start");
    }

    /// Starts a broker that listens at this port too, and says there that it is at `proxy`.
    pub(crate) fn behind(proxy: SocketAddr, port: u16) -> Self {
        for _ in 0..5 {
            let mut broker = Broker::new();
            broker.proxied = Some((port, proxy));
            if let Some(kafka) = Self::try_start(vec![broker]) {
                return kafka;
            }
        }
        panic!("Kafka does not start");
    }

    /// The broker that all tests share which do it no harm.
    pub(crate) fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Kafka>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let kafka = Arc::new(Self::start(1));
            *shared = Arc::downgrade(&kafka);
            kafka
        })
    }

    fn try_start(mut brokers: Vec<Broker>) -> Option<Self> {
        let controller = brokers[0].ports.controller;
        // All at once: each waits for the other.
        std::thread::scope(|scope| {
            for (index, broker) in brokers.iter().enumerate() {
                scope.spawn(move || {
                    broker.write_files(index, controller);
                    broker.format();
                });
            }
        });
        brokers.iter_mut().for_each(Broker::spawn);
        brokers.iter_mut().all(Broker::is_up).then_some(Self { brokers })
    }

    /// Where this broker listens for whom it knows nothing of.
    pub(crate) fn addr(&self, broker: usize) -> String {
        format!("127.0.0.1:{}", self.brokers[broker].ports.plain)
    }

    /// Where the first one wants a user and a password.
    pub(crate) fn sasl_addr(&self) -> String {
        format!("127.0.0.1:{}", self.brokers[0].ports.sasl)
    }

    /// Where the first one speaks TLS, and wants a certificate.
    pub(crate) fn tls_addr(&self) -> String {
        format!("{SERVER_NAME}:{}", self.brokers[0].ports.tls)
    }

    /// Sends all brokers a signal, such as `-STOP` or `-CONT`.
    pub(crate) fn signal(&self, signal: &str) {
        for broker in &self.brokers {
            let pid = broker.process.as_ref().expect("it runs").id().to_string();
            assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
        }
    }

    /// Ends a broker as SIGKILL does.
    pub(crate) fn kill(&mut self, broker: usize) {
        self.brokers[broker].kill();
    }

    /// Starts it again where it was.
    pub(crate) fn restart(&mut self, broker: usize) {
        let broker = &mut self.brokers[broker];
        broker.kill();
        broker.spawn();
        assert!(broker.is_up(), "Kafka does not start: {}", broker.log());
    }

    /// The independent client.
    pub(crate) fn client(&self, arguments: &[&str]) -> Vec<Value> {
        python::run("kafka_client.py", &[&[self.addr(0).as_str()], arguments].concat())
    }

    /// Makes a topic.
    pub(crate) fn topic(&self, name: &str, partitions: u32, replicas: u32, configs: &Value) {
        let (partitions, replicas) = (partitions.to_string(), replicas.to_string());
        self.client(&["topic", name, &partitions, &replicas, &configs.to_string()]);
    }

    /// All records of a topic, partition by partition.
    pub(crate) fn drain(&self, topic: &str) -> Vec<Value> {
        self.client(&["drain", topic])
    }
}

impl Broker {
    fn new() -> Self {
        let listeners = [(); 4].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let [plain, sasl, tls, controller] = listeners.map(|listener| listener.local_addr().unwrap().port());
        let ports = Ports { plain, sasl, tls, controller };
        Self { directory: tempfile::tempdir().unwrap(), ports, proxied: None, process: None }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write_files(&self, index: usize, controller: u16) {
        let (authority, own) = (Authority::common(), self.directory.path());
        replace(&self.path("ca.pem"), authority.pem());
        let shown = authority.server(&[SERVER_NAME], Validity::Now);
        replace(&self.path("kafka.pem"), format!("{}{}", shown.key(), shown.cert()));
        let Ports { plain, sasl, tls, .. } = self.ports;
        let (roles, listener) = match index {
            0 => ("broker,controller", format!(",CONTROLLER://127.0.0.1:{controller}")),
            _ => ("broker", String::new()),
        };
        let (proxied, advertised) = self.proxied.map_or_else(Default::default, |(port, proxy)| {
            (format!(",PROXIED://127.0.0.1:{port}"), format!(",PROXIED://{proxy}"))
        });
        let login = "org.apache.kafka.common.security";
        let own = own.display();
        let properties = format!(
            "process.roles={roles}
node.id={}
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAIN://127.0.0.1:{plain},SASL://127.0.0.1:{sasl},TLS://127.0.0.1:{tls}{proxied}{listener}
advertised.listeners=PLAIN://127.0.0.1:{plain},SASL://127.0.0.1:{sasl},TLS://{SERVER_NAME}:{tls}{advertised}
listener.security.protocol.map=PLAIN:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL:SASL_PLAINTEXT,TLS:SSL
inter.broker.listener.name=PLAIN
controller.listener.names=CONTROLLER
log.dirs={own}/data
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512,SCRAM-SHA-256
listener.name.sasl.plain.sasl.jaas.config={login}.plain.PlainLoginModule required user_{USER}=\"{PASSWORD}\";
listener.name.sasl.scram-sha-512.sasl.jaas.config={login}.scram.ScramLoginModule required;
listener.name.sasl.scram-sha-256.sasl.jaas.config={login}.scram.ScramLoginModule required;
listener.name.tls.ssl.client.auth=required
listener.name.tls.ssl.keystore.type=PEM
listener.name.tls.ssl.keystore.location={own}/kafka.pem
listener.name.tls.ssl.truststore.type=PEM
listener.name.tls.ssl.truststore.location={own}/ca.pem
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=true
super.users=User:ANONYMOUS
auto.create.topics.enable=false
controlled.shutdown.enable=false
broker.session.timeout.ms=3000
replica.lag.time.max.ms=5000
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
",
            index + 1
        );
        std::fs::write(self.path("server.properties"), properties).unwrap();
        let log = "<Configuration status=\"ERROR\"><Appenders><Console name=\"out\"><PatternLayout \
                   pattern=\"%d %p %m%n\"/></Console></Appenders><Loggers><Root level=\"info\"><AppenderRef \
                   ref=\"out\"/></Root></Loggers></Configuration>";
        std::fs::write(self.path("log4j2.xml"), log).unwrap();
    }

    fn java(&self) -> Command {
        let jars = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/kafka");
        assert!(jars.exists(), "{} is missing: `tests/run` fetches it", jars.display());
        let mut command = Command::new("java");
        command.args(JAVA).arg(format!("-Dlog4j2.configurationFile={}", self.path("log4j2.xml").display()));
        command.arg("-cp").arg(jars.join("*")).current_dir(self.directory.path()).stdin(Stdio::null());
        command
    }

    fn format(&self) {
        let mut command = self.java();
        command.args(["kafka.tools.StorageTool", "format", "-t", CLUSTER, "-c", "server.properties"]);
        for mechanism in ["SCRAM-SHA-256", "SCRAM-SHA-512"] {
            command.args(["--add-scram", &format!("{mechanism}=[name={USER},password={PASSWORD}]")]);
        }
        let output = command.output().expect("java is there: install default-jre-headless");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&[output.stdout, output.stderr].concat())
        );
    }

    fn spawn(&mut self) {
        let log = std::fs::File::create(self.path("log")).unwrap();
        let mut command = self.java();
        command.args(["kafka.Kafka", "server.properties"]);
        command.stdout(log.try_clone().unwrap()).stderr(log);
        self.process = Some(command.spawn().unwrap());
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// Whether it has started, which it may not.
    fn is_up(&mut self) -> bool {
        let end = Instant::now() + DEADLINE;
        while !self.log().contains("Kafka Server started") {
            if self.process.as_mut().is_none_or(|process| process.try_wait().unwrap().is_some()) {
                return false;
            }
            assert!(Instant::now() < end, "Kafka: not within {DEADLINE:?}: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        true
    }

    fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            // Fails only if it has ended by itself.
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let end: Vec<&str> = log.lines().rev().take(40).collect();
            eprintln!("Kafka said at last:\n{}", end.into_iter().rev().collect::<Vec<_>>().join("\n"));
        }
        self.kill();
    }
}
