//! A collector that is not ours, and one trace from an edge over two gateways to a service.

use frontier_sdk::{Edge, Service, TraceContext};
use frontier_tests::{Authority, DEADLINE, Frontlas, Gateway, Process, Validity, eventually, replace};
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider};
use serde_json::Value;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tracing::{Instrument, Level};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// A collector, and what it was sent.
struct Collector {
    process: Process,
    url: String,
}

impl Collector {
    async fn start() -> Self {
        Self::start_with("http", &[]).await
    }

    /// One that speaks TLS with these files: a certificate, its key, and the CA of those who may connect.
    async fn over_tls(files: [&Path; 3]) -> Self {
        Self::start_with("https", &files).await
    }

    async fn start_with(scheme: &str, files: &[&Path]) -> Self {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let python = here.join("../target/otlp/bin/python3");
        assert!(
            python.exists(),
            "{} is missing: `tests/run` makes it, or `python3 -m venv target/otlp` and \
             `target/otlp/bin/pip install opentelemetry-proto grpcio` do",
            python.display()
        );
        let mut command = Command::new(python);
        command.arg(here.join("tests/peers/otlp.py")).args(files);
        let process = Process::spawn("collector", command);
        let port = eventually(DEADLINE, "the collector listens", async || {
            Some(process.log().find("listening ")?.split_once(' ')?.1.to_owned())
        });
        let url = format!("{scheme}://127.0.0.1:{}", port.await);
        Self { process, url }
    }

    /// Every span so far.
    fn spans(&self) -> Vec<Value> {
        let lines = self.process.log().lines();
        lines
            .iter()
            .filter(|line| line.starts_with('{'))
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// The first span that is so, once it is there.
    async fn span(&self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        eventually(DEADLINE, what, async || self.spans().into_iter().find(&is_it)).await
    }
}

/// What exports the spans of this process under the name of a service.
fn exporting(url: &str, name: &'static str) -> SdkTracerProvider {
    let exporter = SpanExporter::builder().with_tonic().with_endpoint(url).build().unwrap();
    let config = BatchConfigBuilder::default().with_scheduled_delay(Duration::from_millis(100)).build();
    SdkTracerProvider::builder()
        .with_span_processor(BatchSpanProcessor::new(exporter, config))
        .with_resource(Resource::builder_empty().with_service_name(name).build())
        .build()
}

#[tokio::test]
async fn a_call_over_two_gateways_is_one_trace() {
    let collector = Collector::start().await;
    let provider = exporting(&collector.url, "program");
    // Else what carries spans to the collector is traced as well.
    let own = Targets::new().with_target("frontier_sdk", Level::INFO).with_target("peers", Level::INFO);
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("program"));
    // With one subscriber alone `tracing` asks that of the thread that comes to a span first, which here may have none, and
    // goes by its answer for good.
    let _another = tracing::Dispatch::new(tracing_subscriber::registry());
    let _subscriber = tracing::subscriber::set_default(tracing_subscriber::registry().with(own).with(layer));

    let frontlas = Frontlas::builder().start().await;
    let gateway = |id: &str| {
        Gateway::builder()
            .set("daemon.frontier_id", id)
            .set("frontlas.enable", true)
            .set("frontlas.dial.addrs", vec![frontlas.plane().to_string()])
            .set("frontlas.forward.enable", true)
            .set("tracing.endpoint", collector.url.clone())
            .set("tracing.headers.authorization", "Bearer secret")
            .start()
    };
    let (one, two) = (gateway("g1").await, gateway("g2").await);
    let service = Service::builder(two.service_url()).name("files");
    let service = service.register("echo", async |request| Ok(request.data.into())).connect().await.unwrap();
    let edge = Edge::builder(one.edge_url()).connect().await.unwrap();
    eventually(DEADLINE, "the service is reached", async || edge.call("echo", "").await.ok()).await;

    let context = async { TraceContext::current() };
    let root = tracing::info_span!("work");
    let work = async {
        edge.call("echo", "hello").await.unwrap();
        edge.call("nowhere", "").await.unwrap_err();
        context.await.unwrap()
    };
    let context = work.instrument(root.clone()).await;
    drop(root);
    let id = context.traceparent()[3..35].to_owned();
    let of = |name: &'static str, instance: &'static str| {
        let id = id.clone();
        move |span: &Value| {
            span["trace"] == *id
                && span["name"] == name
                && (instance.is_empty() || span["instance"] == instance)
        }
    };
    let work = collector.span("the program's span", of("work", "")).await;
    let first = collector.span("that of the edge's gateway", of("call echo", "g1")).await;
    let second = collector.span("that of the service's gateway", of("call echo", "g2")).await;
    let handler = collector.span("that of the handler", of("echo", "")).await;
    for (span, parent) in [(&first, &work), (&second, &first), (&handler, &second)] {
        assert_eq!(span["parent"], parent["span"], "{span}");
    }
    assert_eq!((&first["authorization"], &first["service"]), (&"Bearer secret".into(), &"frontier".into()));
    assert_eq!(first["attributes"]["frontier.from.edge.id"], edge.id().to_string());
    assert_eq!(first["attributes"]["frontier.code"], "ok");
    assert_eq!(first["events"][0][1]["frontier.to.gateway.id"], "g2");
    assert_eq!(second["events"][0][1]["frontier.to.service.id"], service.id().to_string());
    assert!(first["nanos"].as_u64() >= second["nanos"].as_u64(), "{first} {second}");
    let failed = collector.span("that of the failure", of("call nowhere", "g1")).await;
    assert_eq!(failed["status"]["code"], "STATUS_CODE_ERROR", "{failed}");
    // What was called before belongs to no trace.
    assert!(collector.spans().iter().all(|span| span["trace"] == *id), "{:?}", collector.spans());
}

#[tokio::test]
async fn a_share_of_what_comes_without_a_context_is_recorded_and_what_is_left_at_the_end_is_sent() {
    let collector = Collector::start().await;
    let mut gateway = Gateway::builder()
        .set("tracing.endpoint", collector.url.clone())
        .set("tracing.sample_ratio", 1.0)
        .set("tracing.service_name", "entry")
        .start()
        .await;
    let service = Service::builder(gateway.service_url()).name("files").topics(["telemetry"]);
    let service = service.register("echo", async |request| {
        let context: &TraceContext = request.trace.as_ref().ok_or("there is no context")?;
        Ok(context.traceparent().to_owned().into())
    });
    let service = service.connect().await.unwrap();
    let edge = Edge::builder(gateway.edge_url()).connect().await.unwrap();
    let told = edge.call("echo", vec![7; 100_000]).await.unwrap();
    let told = String::from_utf8(told.data.to_vec()).unwrap();
    let given = TraceContext::new(PARENT, "congo=t61rcWkgMzE");
    edge.publish("telemetry", "21.5").trace(given.clone()).unacked().await.unwrap();
    assert!(service.recv().await.unwrap().trace.is_some_and(|it| it.tracestate() == "congo=t61rcWkgMzE"));
    let (_opened, accepted) =
        tokio::join!(async { edge.open_stream("files").trace(given.clone()).await.unwrap() }, async {
            service.accept_stream().await.unwrap()
        },);
    assert_ne!(accepted.trace().unwrap().span_id(), given.unwrap().span_id());
    drop((edge, service, accepted));
    gateway.terminate();
    assert_eq!(gateway.process().exit().await, Some(0));
    let spans = collector.spans();
    let find = |name: &str| {
        spans.iter().find(|span| span["name"] == name).unwrap_or_else(|| panic!("{name}: {spans:?}"))
    };
    let call = find("call echo");
    assert_eq!((&call["service"], &call["parent"]), (&"entry".into(), &"".into()));
    assert_eq!((call["trace"].as_str(), call["span"].as_str()), (told.get(3..35), told.get(36..52)));
    for name in ["publish telemetry", "stream files"] {
        let span = find(name);
        assert_eq!((&span["trace"], &span["parent"]), (&PARENT[3..35].into(), &PARENT[36..52].into()));
        assert_eq!(span["state"], "congo=t61rcWkgMzE");
    }
}

#[tokio::test]
async fn a_collector_that_is_away_holds_up_nobody_and_is_told_of_once() {
    let gateway = Gateway::builder()
        .set("tracing.endpoint", "http://127.0.0.1:1")
        .set("tracing.sample_ratio", 1.0)
        .set("log.level", "info")
        .start()
        .await;
    let service = Service::builder(gateway.service_url()).name("files");
    let _service = service.register("echo", async |request| Ok(request.data.into())).connect().await.unwrap();
    let edge = Edge::builder(gateway.edge_url()).connect().await.unwrap();
    let told = async || {
        edge.call("echo", "hello").await.unwrap();
        gateway.log().find("traces are not taken")
    };
    let line = eventually(DEADLINE, "it is told", told).await;
    assert!(line.contains("WARN") && line.contains("tracing.endpoint"), "{line}");
    for _ in 0..20 {
        edge.call("echo", "hello").await.unwrap();
    }
    assert_eq!(gateway.log().lines().iter().filter(|line| line.contains("traces are")).count(), 1);
}

/// A call through a gateway whose collector is reached over TLS: the gateway, and what makes calls.
async fn traced(builder: frontier_tests::GatewayBuilder) -> (Gateway, Edge, Service) {
    let gateway = builder.set("tracing.sample_ratio", 1.0).set("log.level", "info").start().await;
    let service = Service::builder(gateway.service_url()).name("files");
    let service = service.register("echo", async |request| Ok(request.data.into())).connect().await.unwrap();
    let edge = Edge::builder(gateway.edge_url()).connect().await.unwrap();
    edge.call("echo", "hello").await.unwrap();
    (gateway, edge, service)
}

#[tokio::test]
async fn spans_go_over_tls_to_a_collector_of_an_own_ca_that_knows_its_clients() {
    let builder = Gateway::builder();
    let (ca, client_ca) = (Authority::new("collector"), Authority::new("clients"));
    let server = ca.server(&["127.0.0.1"], Validity::Now).write(builder.dir(), "collector");
    let client = client_ca.client("gateway", &[], Validity::Now).write(builder.dir(), "gateway");
    let [ca_file, client_ca_file] = ["collector-ca.pem", "client-ca.pem"].map(|name| builder.file(name));
    replace(&ca_file, ca.pem());
    replace(&client_ca_file, client_ca.pem());
    let collector = Collector::over_tls([&server.cert, &server.key, &client_ca_file]).await;
    let builder = builder
        .set("tracing.endpoint", collector.url.clone())
        .set("tracing.tls", serde_json::json!({"ca": ca_file, "cert": client.cert, "key": client.key}));
    let _calling = traced(builder).await;
    let span = collector.span("the call", |span| span["name"] == "call echo").await;
    assert_eq!(span["attributes"]["frontier.code"], "ok");
}

#[tokio::test]
async fn a_collector_that_is_not_trusted_gets_nothing_and_the_log_says_why() {
    let builder = Gateway::builder();
    let (ca, other) = (Authority::new("collector"), Authority::new("other"));
    let server = ca.server(&["127.0.0.1"], Validity::Now).write(builder.dir(), "collector");
    let [ca_file, other_file] = ["collector-ca.pem", "other-ca.pem"].map(|name| builder.file(name));
    replace(&ca_file, ca.pem());
    replace(&other_file, other.pem());
    let collector = Collector::over_tls([&server.cert, &server.key, &ca_file]).await;
    let builder = builder
        .set("tracing.endpoint", collector.url.clone())
        .set("tracing.tls", serde_json::json!({"ca": other_file}));
    let (gateway, ..) = traced(builder).await;
    let line = eventually(DEADLINE, "it is told", async || gateway.log().find("traces are not taken")).await;
    assert!(line.contains("tracing.tls") && line.contains("UnknownIssuer"), "{line}");
    assert!(collector.spans().is_empty());
}
