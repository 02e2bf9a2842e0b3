//! The Rust in README.md and docs/: it stands here as well, so that it compiles, and a test finds what does not.

#![expect(dead_code, reason = "nothing of this is run: it is to compile")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What stands around the code in the documents, which leaves it out.
mod snippets {
    use bytes::Bytes;
    use frontier_sdk::{Calls, ClusterService, Edge, EdgeEvent, EdgeId, HandlerError, Service, TraceContext};
    use std::time::Duration;
    use tokio::io::AsyncWriteExt;

    type Done = Result<(), Box<dyn std::error::Error>>;

    #[expect(unused_variables, reason = "as it stands in README.md")]
    async fn an_edge() -> Done {
        use frontier_sdk::{Edge, Request, Response};

        let edge = Edge::builder("tcp://127.0.0.1:30012").meta("sn-42").connect().await?; // reconnects by itself
        edge.register("reboot", |_: Request| async { Ok(Response::new("rebooting")) }).await?;
        edge.publish("telemetry", "21.5").await?; // done by the receiver
        let answer = edge.call("echo", "hello").await?;
        Ok(())
    }

    async fn a_service() -> Done {
        use frontier_sdk::{Request, Response, Service};

        let service =
            Service::builder("tcp://127.0.0.1:30011").name("files").topics(["telemetry"]).connect().await?;
        service.register("echo", |request: Request| async move { Ok(Response::new(request.data)) }).await?;
        while let Some(message) = service.recv().await {
            println!("{:?} says {:?}", message.edge_id, message.data);
            message.done();
        }
        Ok(())
    }

    async fn give_id(_meta: Bytes) -> Result<EdgeId, HandlerError> {
        Ok(EdgeId(7))
    }

    async fn note(_event: EdgeEvent) -> Result<(), HandlerError> {
        Ok(())
    }

    #[expect(unused_variables, reason = "as it stands in the guide")]
    async fn no_gap(url: &str) -> Done {
        let service =
            Service::builder(url).name("files").on_edge_id(give_id).on_edge_online(note).connect().await?;
        Ok(())
    }

    async fn a_host() -> Done {
        use frontier_sdk::{HostRequest, Response, ServiceHost};

        let host = ServiceHost::builder("tcp://127.0.0.1:30012", "calc")
            .capacity(4)
            .label("zone", "a")
            .handler(|request: HostRequest| async move {
                let number: i64 = std::str::from_utf8(&request.body)?.parse()?;
                Ok(Response::from((number * number).to_string()))
            })
            .connect()
            .await?;
        tokio::signal::ctrl_c().await?;
        host.drain(Duration::from_secs(15)).await; // what it has begun is done, the rest goes to others
        Ok(())
    }

    async fn a_client_of_a_session() -> Done {
        use frontier_sdk::{BrokerResponse, Session, SessionStartInfo};
        use futures_util::StreamExt;

        let session = Session::create(SessionStartInfo::new("http://127.0.0.1:30020", "calc")).await?;
        let client = session.client("main")?;
        for number in 0..1000 {
            client.send_request("square", &number, &number.to_string()).await?; // anything that serde writes
        }
        client.end_requests().await?;

        let mut responses = client.get_responses::<i64>();
        while let Some(response) = responses.next().await {
            let BrokerResponse { result, user_data, .. } = response?;
            println!("{user_data}: {result:?}");
        }
        session.close().await?;
        Ok(())
    }

    #[expect(unused_variables, reason = "as it stands in the guide")]
    async fn a_client_of_a_durable_session(id: String) -> Done {
        use frontier_sdk::{DurableSession, ResponseStart, SessionStartInfo};

        let session =
            DurableSession::attach(SessionStartInfo::new("http://127.0.0.1:30020", "calc"), &id).await?;
        let client = session.client("main")?;
        let there = client.flush().await?; // so many requests are committed; what was not flushed is gone
        for number in there..1000 {
            client.send_request("square", &number, &number.to_string()).await?;
        }
        client.end_requests().await?;
        let responses = client.get_responses_from::<u64>(ResponseStart::Begin); // or `Current`: what was not fetched
        Ok(())
    }

    #[expect(unused_variables, reason = "as it stands in the guide")]
    async fn calls(edge: Edge, service: Service, edge_id: EdgeId) -> Done {
        let answer = edge.call("echo", "hello").timeout(Duration::from_secs(2)).await?;
        let answer = service.call(edge_id, "reboot", "").await?;
        Ok(())
    }

    async fn many_calls(service: Service, edges: Vec<EdgeId>) {
        let mut calls = Calls::new();
        for edge in edges {
            calls.begin(service.call(edge, "version", "").timeout(Duration::from_secs(2)), edge);
        }
        while let Some((edge, answer)) = calls.next().await {
            println!("{edge}: {answer:?}");
        }
    }

    async fn messages(edge: Edge, service: Service, edge_id: EdgeId) -> Done {
        edge.publish("telemetry", "21.5").await?; // to a service
        service.publish(edge_id, "a new config").topic("config").await?; // to an edge; the topic may be left out
        Ok(())
    }

    async fn streams(edge: Edge, digest: Bytes) -> Done {
        let mut stream = edge.open_stream("files").meta("report.pdf").await?;
        stream.write_all(b"raw bytes").await?;
        stream.publish("checksum", digest).await?;
        Ok(())
    }

    async fn a_trace(edge: Edge, traceparent: String, tracestate: String) -> Done {
        let context = TraceContext::new(&traceparent, &tracestate);
        edge.call("echo", "hello").trace(context).await?;
        Ok(())
    }

    #[expect(unused_variables, reason = "as it stands in the guide")]
    async fn a_cluster() -> Done {
        let service = ClusterService::builder("http://atlas-1:40011")
            .url("http://atlas-2:40011")
            .name("files")
            .topics(["telemetry"])
            .connect()
            .await?;
        service.call(EdgeId(42), "reboot", "now").await?;

        let edge = Edge::builder("frontlas://atlas-1:40011")
            .url("frontlas://atlas-2:40011")
            .meta("sn-42")
            .connect()
            .await?;
        Ok(())
    }
}

/// Without what differs where it was laid out anew: white space, and commas at the end of a line. Comments stay.
fn bare(code: &str) -> String {
    code.chars().filter(|c| !c.is_whitespace() && *c != ',').collect()
}

/// The blocks of Rust in a document.
fn blocks(document: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut open: Option<String> = None;
    for line in document.lines() {
        match (&mut open, line.trim()) {
            (None, "```rust") => open = Some(String::new()),
            (Some(_), "```") => blocks.extend(open.take()),
            (Some(block), _) => {
                block.push_str(line);
                block.push('\n');
            }
            (None, _) => {}
        }
    }
    blocks
}

#[test]
fn the_rust_in_the_documents_compiles() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let mut documents = vec![root.join("README.md")];
    let docs = std::fs::read_dir(root.join("docs")).expect("docs").map(|entry| entry.expect("a file").path());
    // docs/testing.md is one program, and a doctest of `frontier-testing`.
    let is_ours =
        |path: &PathBuf| path.extension().is_some_and(|it| it == "md") && !path.ends_with("testing.md");
    documents.extend(docs.filter(is_ours));
    let here = bare(include_str!("documents.rs"));
    let mut found = BTreeMap::new();
    for path in documents {
        let name = path.strip_prefix(root).expect("it is in there").display().to_string();
        for block in blocks(&std::fs::read_to_string(&path).expect("text")) {
            assert!(
                here.contains(&bare(&block)),
                "put this into tests/tests/documents.rs, from {name}:\n{block}"
            );
            *found.entry(name.clone()).or_insert(0) += 1;
        }
    }
    assert!(found.contains_key("README.md") && found.contains_key("docs/guide.md"), "{found:?}");
}

/// The documents of the project, by their paths in it.
fn documents(root: &Path, folder: &Path, found: &mut BTreeMap<PathBuf, String>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() && !name.starts_with('.') && !["target", "node_modules"].contains(&name) {
            documents(root, &path, found);
        } else if path.extension().is_some_and(|it| it == "md") {
            let text = std::fs::read_to_string(&path).expect("text");
            found.insert(path.strip_prefix(root).expect("it is in there").to_owned(), text);
        }
    }
}

/// The lines that are no code.
fn prose(document: &str) -> impl Iterator<Item = &str> {
    let mut is_code = false;
    document.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_fence && !is_code
    })
}

/// What a heading is called in a link, as GitHub has it.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|it| it.is_alphanumeric() || " -_".contains(*it));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[test]
fn links_in_the_documents_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let mut all = BTreeMap::new();
    documents(root, root, &mut all);
    let mut dead = Vec::new();
    let mut followed = 0;
    for (path, text) in &all {
        let links =
            prose(text).flat_map(|line| line.split("](").skip(1)).filter_map(|rest| rest.split(')').next());
        for link in links.filter(|link| !link.contains("://")) {
            let (file, heading) =
                link.split_once('#').map_or((link, None), |(file, name)| (file, Some(name)));
            let target =
                if file.is_empty() { root.join(path) } else { root.join(path).with_file_name("").join(file) };
            followed += 1;
            let is_there = target.exists()
                && heading.is_none_or(|name| {
                    let text = std::fs::read_to_string(&target).unwrap_or_default();
                    prose(&text)
                        .any(|line| line.starts_with('#') && anchor(line.trim_start_matches('#')) == name)
                });
            if !is_there {
                dead.push(format!("{}: {link}", path.display()));
            }
        }
    }
    assert!(dead.is_empty(), "links that lead nowhere:\n{}", dead.join("\n"));
    assert!(followed > 100, "only {followed} links were found");
}
