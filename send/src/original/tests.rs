//! Commands as users of the original write them, and the messages that its consumers know.

use super::*;
use clap::Parser;

#[derive(Debug, Parser)]
enum Command {
    Production(Production),
    EcflowClient(EcflowClient),
    Log(Log),
    Message(Raw),
}

fn event(arguments: &[&str]) -> Result<Event, String> {
    let parsed = Command::try_parse_from([&["x"], arguments].concat()).map_err(|error| error.to_string())?;
    let now = OffsetDateTime::from_unix_timestamp(1_600_000_000).unwrap();
    let environment = |name: &str| match name {
        "ECF_HOST" => Some("login1".to_owned()),
        "ECF_PORT" => Some("33083".to_owned()),
        "ECF_NAME" => Some("/gfs/00/post".to_owned()),
        "ECF_TRYNO" => Some("1".to_owned()),
        "ECF_PASS" => Some("secret".to_owned()),
        _ => None,
    };
    match parsed {
        Command::Production(it) => it.event(now),
        Command::EcflowClient(it) => it.event(now, &environment),
        Command::Log(it) => it.event(now),
        Command::Message(it) => Ok(it.event()),
    }
}

fn text(event: &Event) -> String {
    String::from_utf8(event.data.clone()).unwrap()
}

const PRODUCTION: [&str; 9] = [
    "production",
    "--system=grapes_gfs_gmf",
    "--production-type=grib2",
    "--production-name=orig",
    "--event=storage",
    "--start-time=2020050100",
    "--forecast-time=3h",
    "--rabbitmq-server=amqp://guest:guest@rabbit:5672",
    "--with-broker",
];

#[test]
fn a_product() {
    let oper =
        event(&[&PRODUCTION[..], &["--production-stream=oper", "--broker-tries", "2"]].concat()).unwrap();
    let target = Target::Amqp {
        server: "amqp://rabbit:5672".into(),
        exchange: "nwpc.operation.production".into(),
        routing_key: "grapes_gfs_gmf.production.grib2".into(),
    };
    assert_eq!(oper.target, target);
    let expected = json!({
        "app": "nwpc-message-client", "type": "production", "time": "2020-09-13T12:26:40Z",
        "data": {
            "system": "grapes_gfs_gmf", "stream": "oper", "type": "grib2", "name": "orig",
            "start_time": "2020-05-01T00:00:00Z", "forecast_time": "3h", "event": "storage", "status": 1,
        },
    });
    assert_eq!(serde_json::from_str::<Value>(&text(&oper)).unwrap(), expected);
    let eps = ["--production-stream=eps", "--number=7", "--status=aborted"];
    let eps = event(&[&PRODUCTION[..], &eps].concat()).unwrap();
    assert!(text(&eps).contains(r#""number":7"#) && text(&eps).contains(r#""status":3"#), "{}", text(&eps));
    for wrong in [&["--production-stream=x"][..], &["--production-stream=oper", "--status=done"]] {
        assert!(event(&[&PRODUCTION[..], wrong].concat()).is_err(), "{wrong:?}");
    }
}

#[test]
fn a_call_of_ecflow_client() {
    let options =
        "--command-options=--host=login_a06 --port=33084 --alter add variable ECF_RID 16934800 /gfs/post";
    let called = event(&["ecflow-client", options]).unwrap();
    let expected = json!({
        "command": "alter", "args": ["add", "variable", "ECF_RID", "16934800", "/gfs/post"], "envs": null,
        "ecf_host": "login_a06", "ecf_port": "33084", "ecf_name": "/gfs/00/post", "ecf_rid": "",
        "ecf_tryno": "1", "ecf_date": "",
    });
    assert_eq!(serde_json::from_str::<Value>(&text(&called)).unwrap()["data"], expected);
    let init = event(&["ecflow-client", "--command-options", "--init=4711"]).unwrap();
    let data = &serde_json::from_str::<Value>(&text(&init)).unwrap()["data"];
    assert_eq!(
        (&data["command"], &data["args"], &data["ecf_host"]),
        (&json!("init"), &json!(["4711"]), &json!("login1"))
    );
    assert!(!text(&init).contains("secret"));
    let complete =
        event(&["ecflow-client", "--command-options=--complete", "--kafka-topic", "flow"]).unwrap();
    assert!(text(&complete).contains(r#""args":null"#));
    assert_eq!(complete.target, Target::Kafka { topic: "flow".into() });
}

#[test]
fn a_line_of_a_log_and_a_message_as_it_is() {
    let line = [
        "log",
        "--system=gfs",
        "--start-time=2020050112",
        "--level=info",
        "--log-type=background",
        "--time=2020-05-01 12:00:01",
        "--",
        "--source=ncep",
        "--start_hour_offset=-6",
        "--empty=",
    ];
    let line = event(&line).unwrap();
    let data = &serde_json::from_str::<Value>(&text(&line)).unwrap()["data"];
    assert_eq!(data["content"], json!({"source": "ncep", "start_hour_offset": "-6"}));
    assert_eq!(
        (&data["start_time"], &data["time"]),
        (&json!("2020-05-01T12:00:00Z"), &json!("2020-05-01T12:00:01Z"))
    );
    let Target::Amqp { exchange, routing_key, .. } = &line.target else { panic!("{line:?}") };
    assert_eq!((&**exchange, &**routing_key), ("nwpc.operation.log", "gfs.log.background"));
    let raw =
        event(&["message", "--message-body={\"a\":1}", "--exchange-name=e", "--route-key-name=k"]).unwrap();
    let target = Target::Amqp { server: String::new(), exchange: "e".into(), routing_key: "k".into() };
    assert_eq!(raw, Event { target, data: b"{\"a\":1}".to_vec() });
    for wrong in ["2020", "20200501", "2020130100", "x"] {
        assert!(start_time(wrong).is_err(), "{wrong}");
    }
}
