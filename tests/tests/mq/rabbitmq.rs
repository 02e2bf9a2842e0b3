//! RabbitMQ servers on free ports, in directories of their own, with a name server of Erlang each.

use crate::python;
use frontier_tests::{Authority, SERVER_NAME, Validity, replace};
use serde_json::Value;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Within this a server starts, on a machine that is busy.
const DEADLINE: Duration = Duration::from_secs(120);

/// Where Debian has it. What stands in the PATH would change the user.
const PROGRAM: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";

const COOKIE: &str = "of-these-tests";

/// Bytes of a message, at most.
pub(crate) const MAX_MESSAGE: usize = 1_000_000;

/// A server.
pub(crate) struct RabbitMq {
    directory: TempDir,
    ports: Ports,
    names: Child,
    server: Option<Child>,
}

#[derive(Clone, Copy, Debug)]
struct Ports {
    amqp: u16,
    tls: u16,
    distribution: u16,
    names: u16,
}

/// A part of a server that one test has for itself: a virtual host, and a user of the same name.
pub(crate) struct VirtualHost {
    pub(crate) server: Arc<RabbitMq>,
    pub(crate) name: &'static str,
}

impl RabbitMq {
    /// Starts a server.
    pub(crate) fn start() -> Self {
        // Somebody else may take a free port first.
        for _ in 0..5 {
            if let Some(server) = Self::try_start() {
                return server;
            }
        }
        panic!("rabbitmq-server does not start");
    }

    /// The server that all tests share which do it no harm.
    pub(crate) fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<RabbitMq>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let server = Arc::new(Self::start());
            *shared = Arc::downgrade(&server);
            server
        })
    }

    fn try_start() -> Option<Self> {
        assert!(Path::new(PROGRAM).exists(), "{PROGRAM} is missing: install rabbitmq-server");
        let directory = tempfile::tempdir().unwrap();
        let [amqp, tls, distribution, names] = free_ports();
        let ports = Ports { amqp, tls, distribution, names };
        let mut command = Command::new("epmd");
        command.args(["-port", &names.to_string(), "-address", "127.0.0.1", "-relaxed_command_check"]);
        let names = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut server = Self { directory, ports, names, server: None };
        server.write_files();
        server.run().then_some(server)
    }

    fn write_files(&self) {
        let authority = Authority::common();
        replace(&self.path("ca.pem"), authority.pem());
        let own = authority.server(&[SERVER_NAME], Validity::Now).write(self.directory.path(), "rabbitmq");
        let Ports { amqp, tls, .. } = self.ports;
        let config = format!(
            "listeners.tcp.1 = 127.0.0.1:{amqp}\nlisteners.ssl.1 = 127.0.0.1:{tls}\nlog.file.level = info\n\
             max_message_size = {MAX_MESSAGE}\nloopback_users = none\nvm_memory_high_watermark.relative = 0.8\n\
             disk_free_limit.absolute = 1MB\nssl_options.cacertfile = {}\nssl_options.certfile = {}\n\
             ssl_options.keyfile = {}\nssl_options.verify = verify_peer\nssl_options.fail_if_no_peer_cert = true\n\
             auth_mechanisms.1 = PLAIN\nauth_mechanisms.2 = AMQPLAIN\nauth_mechanisms.3 = EXTERNAL\n\
             ssl_cert_login_from = common_name\n",
            self.path("ca.pem").display(),
            own.cert.display(),
            own.key.display(),
        );
        std::fs::write(self.path("rabbitmq.conf"), config).unwrap();
        std::fs::write(self.path("enabled_plugins"), "[rabbitmq_auth_mechanism_ssl].").unwrap();
        std::fs::write(self.path(".erlang.cookie"), COOKIE).unwrap();
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o400);
        std::fs::set_permissions(self.path(".erlang.cookie"), private).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn node(&self) -> String {
        format!("t{}@localhost", self.ports.amqp)
    }

    /// Starts the server; whether it is ready.
    fn run(&mut self) -> bool {
        let directory = self.directory.path();
        let mut command = Command::new(PROGRAM);
        for (name, value) in [
            ("HOME", directory.to_path_buf()),
            ("RABBITMQ_MNESIA_BASE", self.path("mnesia")),
            ("RABBITMQ_LOG_BASE", self.path("log")),
            ("RABBITMQ_CONFIG_FILE", self.path("rabbitmq.conf")),
            ("RABBITMQ_ADVANCED_CONFIG_FILE", self.path("no-advanced.config")),
            ("RABBITMQ_CONF_ENV_FILE", self.path("no-env.conf")),
            ("RABBITMQ_ENABLED_PLUGINS_FILE", self.path("enabled_plugins")),
            ("RABBITMQ_PID_FILE", self.path("pid")),
            ("RABBITMQ_NODENAME", self.node().into()),
            ("RABBITMQ_DIST_PORT", self.ports.distribution.to_string().into()),
            ("ERL_EPMD_PORT", self.ports.names.to_string().into()),
        ] {
            command.env(name, value);
        }
        let _ = std::fs::remove_file(self.log_file());
        command.current_dir(directory).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let end = Instant::now() + DEADLINE;
        loop {
            if child.try_wait().unwrap().is_some() {
                return false;
            }
            if self.log().contains("Server startup complete") {
                self.server = Some(child);
                return true;
            }
            assert!(Instant::now() < end, "rabbitmq-server: not within {DEADLINE:?}: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn log_file(&self) -> PathBuf {
        self.path("log").join(format!("{}.log", self.node()))
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    /// Sends the server a signal, such as `-STOP` or `-KILL`.
    pub(crate) fn signal(&self, signal: &str) {
        let pid = std::fs::read_to_string(self.path("pid")).unwrap();
        assert!(Command::new("kill").args([signal, pid.trim()]).status().unwrap().success());
    }

    /// Ends it as SIGKILL does, and starts it again where it was.
    pub(crate) fn restart(&mut self) {
        self.kill();
        assert!(self.run(), "rabbitmq-server does not start: {}", self.log());
    }

    /// Ends it as SIGKILL does.
    pub(crate) fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            // A stopped one dies as well.
            self.signal("-KILL");
            server.wait().unwrap();
        }
    }

    /// Has the server evaluate this, which is Erlang.
    pub(crate) fn eval(&self, expression: &str) -> String {
        /// The program can't talk to one server twice at once.
        static ONE: Mutex<()> = Mutex::new(());
        let _one = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let end = Instant::now() + DEADLINE;
        loop {
            let mut command = Command::new("erl_call");
            command.args(["-r", "-c", COOKIE, "-n", &self.node(), "-e"]);
            command.env("ERL_EPMD_PORT", self.ports.names.to_string()).env("HOME", self.directory.path());
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut child = command.spawn().unwrap();
            // The end of a line is part of it. Nobody reads it where there is no connection.
            let _ = std::io::Write::write_all(
                &mut child.stdin.take().unwrap(),
                format!("{expression}\n").as_bytes(),
            );
            let output = child.wait_with_output().unwrap();
            let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
            if said.contains("failed to connect") && Instant::now() < end {
                std::thread::sleep(Duration::from_millis(50));
                continue;
            }
            assert!(output.status.success() && said.starts_with("{ok,"), "{expression}: {said}");
            return said;
        }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.ports.amqp))
    }

    pub(crate) fn tls_port(&self) -> u16 {
        self.ports.tls
    }
}

impl Drop for RabbitMq {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let notable: Vec<&str> = log.lines().filter(|line| !line.contains("[info]")).collect();
            eprintln!("rabbitmq-server said:\n{}", notable.join("\n"));
        }
        self.kill();
        let _ = self.names.kill();
        let _ = self.names.wait();
    }
}

impl VirtualHost {
    /// A virtual host of the shared server. The name is that of the user as well, and of the password.
    pub(crate) fn shared(name: &'static str) -> Self {
        Self::of(RabbitMq::shared(), name)
    }

    pub(crate) fn of(server: Arc<RabbitMq>, name: &'static str) -> Self {
        server.eval(&format!(
            "rabbit_vhost:add(<<\"{name}\">>, <<\"test\">>),
             rabbit_auth_backend_internal:add_user(<<\"{name}\">>, <<\"{name}\">>, <<\"test\">>)."
        ));
        let host = Self { server, name };
        host.permit(".*");
        host
    }

    /// Ends all connections of the user.
    pub(crate) fn disconnect(&self) {
        let name = self.name;
        self.server.eval(&format!(
            "[rabbit_networking:close_connection(proplists:get_value(pid, C), \"for the test\") || C <- \
             rabbit_networking:connection_info_all([pid, user]), proplists:get_value(user, C) == <<\"{name}\">>]."
        ));
    }

    /// Changes the user's password.
    pub(crate) fn set_password(&self, password: &str) {
        let name = self.name;
        self.server.eval(&format!(
            "rabbit_auth_backend_internal:change_password(<<\"{name}\">>, <<\"{password}\">>, <<\"test\">>)."
        ));
    }

    /// Which names the user may write to.
    pub(crate) fn permit(&self, write: &str) {
        let name = self.name;
        self.server.eval(&format!(
            "rabbit_auth_backend_internal:set_permissions(<<\"{name}\">>, <<\"{name}\">>, <<\".*\">>, <<\"{write}\">>, \
             <<\".*\">>, <<\"test\">>)."
        ));
    }

    /// By which routing keys the user may write to this exchange, which is one of topics.
    pub(crate) fn permit_topics(&self, exchange: &str, write: &str) {
        let name = self.name;
        self.server.eval(&format!(
            "rabbit_auth_backend_internal:set_topic_permissions(<<\"{name}\">>, <<\"{name}\">>, <<\"{exchange}\">>, \
             <<\"{write}\">>, <<\".*\">>, <<\"test\">>)."
        ));
    }

    pub(crate) fn client(&self, arguments: &[&str]) -> Vec<Value> {
        let Self { server, name } = self;
        let url = format!("amqp://{name}:{name}@{}/{name}", server.addr());
        python::run("amqp_client.py", &[&[url.as_str()], arguments].concat())
    }

    /// All messages of a queue, which is empty then.
    pub(crate) fn drain(&self, queue: &str) -> Vec<Value> {
        self.client(&["drain", queue])
    }
}

/// Ports that are all free at once.
fn free_ports<const N: usize>() -> [u16; N] {
    let listeners = [(); N].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}
